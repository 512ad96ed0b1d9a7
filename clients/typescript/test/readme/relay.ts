// src/routes/osp/v1/tasks/[...path]/+server.ts
import { env } from '$env/dynamic/private';
import type { RequestHandler } from '@sveltejs/kit';

export const GET: RequestHandler = async ({ locals, params, request, url }) => {
  const { session } = await locals.safeGetSession();
  const headers = new Headers({ Authorization: `Bearer ${session?.access_token}` });
  for (const name of ['Accept', 'Last-Event-ID', 'Prefer']) {
    headers.set(name, request.headers.get(name) ?? '');
  }
  const to = `${env.OSP_URL}/v1/tasks/${params.path}${url.search}`;
  const { body, status, headers: said } = await fetch(to, { headers, signal: request.signal });
  return new Response(body, { status, headers: { 'Content-Type': said.get('Content-Type') ?? '' } });
};
