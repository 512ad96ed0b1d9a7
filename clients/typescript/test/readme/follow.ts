// src/lib/follow.ts
import { Osp, type Watched } from '@osp-platform/client';

/** Tells of each event of a task, and at last of the task. Returns what stops it. */
export function follow(id: string, tell: (event: Watched) => void): () => void {
  const osp = new Osp({ url: '/osp' });
  const stop = new AbortController();
  const all = async () => {
    for await (const event of osp.watch(id, { signal: stop.signal })) tell(event);
  };
  all().catch((e) => stop.signal.aborted || console.error(e));
  return () => stop.abort();
}
