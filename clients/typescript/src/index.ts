/** A client of osp's HTTP API: https://github.com/osp-platform/osp/blob/main/docs/api.md */
export { OspError } from "./error.js";
export { type HoldOptions, Osp, type OspOptions, type StartOptions, type WaitOptions, type WorkflowOptions } from "./osp.js";
export type { CallOptions } from "./transport.js";
export * from "./types.js";
export type { WatchOptions } from "./watch.js";
