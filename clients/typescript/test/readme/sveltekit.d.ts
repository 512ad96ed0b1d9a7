// As much of SvelteKit as the examples of README.md use, so that tsc can look at them.
declare module "$env/dynamic/private" {
  export const env: Record<string, string>;
}

declare module "@sveltejs/kit" {
  export interface RequestEvent {
    locals: { safeGetSession(): Promise<{ session: { access_token: string } | null }> };
    params: Record<string, string>;
    request: Request;
    url: URL;
  }
  export type RequestHandler = (event: RequestEvent) => Promise<Response>;
  export function json(value: unknown, init?: ResponseInit): Response;
}
