import type * as schema from "./schema.js";

export type {
  Answer,
  Answered,
  BatchAnswer,
  Bulk,
  BulkAnswer,
  Checked,
  CountTasksQuery,
  Deployment,
  HumanTasks,
  ListHumanTasksQuery,
  ListTasksQuery,
  Problem,
  ProblemType,
  Resolve,
  Signalled,
  Start,
  Step,
  TaskCounts,
  Type,
  Types,
  Version,
  Versions,
} from "./schema.js";

/** A task. `Output` is what its type answers with; nobody checks that. */
export type Task<Output = unknown> = Omit<schema.Task, "output"> & { output?: Output };

/** A page of tasks. Its `next` is the `cursor` of the next one. */
export type Page = Omit<schema.Page, "tasks"> & { tasks: Task[] };

/** An event of a task's journal. */
export type TaskEvent = schema.Event;

/** The last that a watch tells: the task as it has ended. */
export type Ended<Output = unknown> = { kind: "task"; task: Task<Output> };

/** What a watch tells. `kind` says which of the two it is. */
export type Watched<Output = unknown> = TaskEvent | Ended<Output>;

/** One thing that is wrong with a request, and where: `pointer` into the body, `parameter`, or `header`. */
export type Fault = NonNullable<schema.Problem["errors"]>[number];

/** Whether a task has ended: what it began is done, or undone. */
export function hasEnded(task: Pick<schema.Task, "status">): boolean {
  return task.status !== "pending" && task.status !== "running";
}
