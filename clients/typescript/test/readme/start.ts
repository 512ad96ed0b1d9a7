// src/routes/orders/+server.ts
import { env } from '$env/dynamic/private';
import { Osp, OspError } from '@osp-platform/client';
import { json, type RequestHandler } from '@sveltejs/kit';

export const POST: RequestHandler = async ({ locals, request }) => {
  const { session } = await locals.safeGetSession();
  const osp = new Osp({ url: env.OSP_URL!, token: () => session?.access_token });
  const { id, ...input } = await request.json();
  try {
    const task = await osp.start({ type: 'orderFulfilment', id: `order-${id}`, input });
    return json({ task: task.id }, { status: 202 });
  } catch (e) {
    if (!(e instanceof OspError) || e.status < 400 || e.status >= 500) throw e;
    return json({ message: e.detail, errors: e.errors }, { status: e.status });
  }
};
