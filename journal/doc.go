// Package journal keeps the journals of tasks in Redis.
//
// Every method of [Redis] that changes something is one Lua script, so it happens wholly or not at all, by Redis' own
// clock. Starts, claims, appends and holds that wait at the same time are one script together: group.lua. The scripts stand in
// lua/, each with its keys, arguments and answers; what they must do is the contract of [saga.Journal], and the suite in
// saga/storetest checks it.
//
// A task has three keys, and its partition five indexes. They share one hash tag, so that a script may touch them all
// on a cluster:
//
//	osp:{00}:j:<id>  list    the events, as saga.Encode and saga.Header write them; also the name of the channel that
//	                         tells of appends
//	osp:{00}:m:<id>  hash    what scripts need to know (below)
//	osp:{00}:t:<id>  string  tombstone: what m:<id> has in h, kept longer than the journal
//	osp:{00}:open    zset    unfinished tasks; score: when to look whether somebody cares for them
//	osp:{00}:wake    zset    wake marks; score: since when, or when last swept
//	osp:{00}:dirty   zset    tasks whose row is older than their journal; score: when a flusher may take them
//	osp:{00}:dead    zset    tasks whose row the store has refused for good; score 0, so they stand in the order of their ids
//	osp:{00}:outbox  hash    children's ends that their parents have not been told: "<seq> <parent> <path>"
//
// osp:{00}:held:<queue>, a zset, has tasks that are held back from a queue that is full, by their turn, and osp:{00}:tags:<queue>, a
// hash, the turns that were given last.
//
// osp:{00}:watched is there while somebody watches a task of the partition: without it starts, claims and appends are not
// published. Its value is another one after it was gone.
//
// osp:{00}:minutes, a hash, counts how many tasks began and ended in each minute of the last hour.
//
// Copies of definitions have keys of their own, which never expire: osp:definition:<hash>, the content, and
// osp:workflow:<service>:<id>, as JSON the version that its tasks begin with. Of the schedules there is osp:schedules, a copy of
// the list of those that are active, and for each osp:tick:<service>:<id>, the moment up to which its ticks have been seen to;
// that one expires 400 days after its last tick.
//
// What is paused stands in osp:pauses, a hash: "type/order" to "<since> <JSON of who and why>". osp:{00}:p:<that> has the tasks that
// wait for the end of it, and osp:{00}:parked those names for which there are some.
//
// A browser that is signed in has osp:session:<id>, which expires with its session. The id is derived from the cookie's secret,
// and so is the key that its content is sealed with.
//
// osp:audit is a stream of what people did, each entry as JSON in the field a; they leave it when they are in the result store.
//
// osp:bell:<queue> is no key but a channel: it tells workers that a queue has got work. See docs/adr/0036-a-bell-for-workers.md.
//
// Moments are microseconds since 1970. The fields of the meta hash have short names, for there may be millions:
//
//	e epoch   n nonce   l lease until (0: released)   k events that the lease's holder has read   a last append
//	v version   b bytes   d due   f kind of the end   o number of the event that reopened it   x… what dedupes messages
//	h digest of the request's hash   t type   q queue   p parent   w parent's step   c has children   r released by its parent
//	z dead letter: "<version> <when> <reason>"
package journal
