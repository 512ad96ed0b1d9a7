// Made of handlers/openapi.json by make docs: do not edit.

export type Action = {
  /** cancel, retry, signal, answer, resolve, resend, delete, deploy, change-version, monitor, sign-in, sign-out, … */
  action: string;
  at: string;
  /** A key's name, user:<uuid>, or password:operator. Empty: somebody who was not let in */
  by: string;
  /** Words of the request, such as the step and the action of a resolve; a sign-in's way and address */
  details?: { [member: string]: string };
  id: string;
  /** What the subject is: task, workflow, service, user, queue, session, … */
  kind: string;
  /** begun: nothing is known of its end. failed: it may have been done, or a part of it */
  outcome: "begun" | "done" | "refused" | "failed";
  reason: string;
  request_id: string;
  /** Empty where it is about several */
  subject: string;
  user_id?: string;
};

export type Answer = {
  outcome: "completed" | "rejected";
  /** Whatever the workflow is to know: <step>.output in its expressions */
  output?: { [member: string]: unknown };
  reason?: string;
};

export type Answered = {
  at: string;
  by: string;
  id: string;
  outcome: "completed" | "rejected";
  step: string;
};

export type Audit = {
  entries: Action[];
  /** The cursor of the next page; missing on the last */
  next?: string;
};

export type Batch = {
  tasks: Start[];
};

export type BatchAnswer = {
  /** Begun by this request */
  accepted: number;
  /** Accepted before */
  existing: number;
  /** In the order of the request */
  items: {
    id?: string;
    location?: string;
    problem?: Problem;
    /** What the item alone would have been answered with: 202, 200 or a problem's */
    status: number;
  }[];
  refused: number;
};

export type Begun = {
  /** Begun by this request */
  accepted: number;
  /** Told of before */
  existing: number;
  /** In the order of the workflows' ids; what a trigger's filter does not let pass is left out */
  items: {
    id?: string;
    location?: string;
    problem?: Problem;
    /** 202, 200 or a problem's */
    status: number;
    workflow: string;
  }[];
  refused: number;
};

export type Bulk = {
  /** every task, for operators */
  all?: true;
  /** next of the answer before */
  cursor?: string;
  /** only count */
  dry_run?: boolean;
  /** as of a list; or */
  filter?: {
    created_after?: string;
    created_before?: string;
    search?: string;
    service?: string;
    state?: "pending" | "running" | "waiting" | "compensating" | "stuck" | "completed" | "failed" | "cancelled";
    status?: "pending" | "running" | "completed" | "failed" | "cancelled";
    type?: string;
    user_id?: string;
  };
  limit?: number;
  reason?: string;
};

export type BulkAnswer = {
  /** of a dry run: there are more than it has counted */
  capped: boolean;
  done: number;
  matched: number;
  /** null: there are no more */
  next: string | null;
  /** the first 100 */
  refused: {
    detail: string;
    id: string;
  }[];
};

export type Cancel = {
  reason?: string | null;
};

export type ChangeVersionQuery = {
  /** whose the workflow is. Without it: the platform's */
  service?: string;
};

export type ChangeWebhook = {
  enabled?: boolean;
  events?: ("task.completed" | "task.failed" | "task.cancelled" | "task.stuck")[];
  /** Why */
  reason?: string;
  /** Name of the secret that signs: NAME for the one in OSP_SECRET_NAME */
  secret_name?: string;
  /** Of these types of tasks alone; none: of all */
  types?: string[];
  /** https, and on the internet, unless OSP_HTTP_ALLOW_PRIVATE is on */
  url?: string;
};

export type Checked = {
  hash: string;
  /** whose the workflow is; absent: the platform's */
  service?: string;
  warnings: {
    column?: number;
    detail: string;
    line?: number;
    pointer: string;
  }[];
  workflow: string;
};

export type CompareVersionsQuery = {
  /** the older version */
  from: number;
  /** whose the workflow is. Without it: the platform's */
  service?: string;
  /** the newer version */
  to: number;
};

export type CountTasksQuery = {
  /** another name of from */
  created_after?: string;
  /** another name of until */
  created_before?: string;
  /** created then or later */
  from?: string;
  /** the beginning of an id, or a part of a type or of an error, in capitals or not; no character of it means anything */
  search?: string;
  service?: string;
  state?: "pending" | "running" | "waiting" | "compensating" | "stuck" | "completed" | "failed" | "cancelled";
  status?: "pending" | "running" | "completed" | "failed" | "cancelled";
  type?: string;
  /** created before then; must be after from */
  until?: string;
  user_id?: string;
};

export type DeadLetters = {
  dead_letters: {
    /** When it was refused */
    at: string;
    /** Why */
    error: string;
    /** Of the task */
    id: string;
    type: string;
    /** Of the row that was refused */
    version: number;
  }[];
  /** Cursor of the next page; missing on the last */
  next?: string;
};

export type Deleted = {
  at: string;
  /** Name of the key */
  by: string;
  /** How many of what; rows are those in the tables of services */
  deleted: {
    fences: number;
    rows: number;
    services: number;
    steps: number;
    tasks: number;
  };
  dry_run: boolean;
  /** Of the deletion, in osp.audit */
  id: string;
  reason: string;
  service?: string;
  task?: string;
  user_id?: string;
};

/** Exactly one of task, service and user_id */
export type Deletion = {
  /** Only count, and note nothing */
  dry_run?: boolean;
  /** Kept in the audit */
  reason: string;
  /** Schema of a service; its tables and its tasks go with it */
  service?: string;
  /** Id of a task; the tasks below it go with it */
  task?: string;
  /** A user's tasks, services and rows */
  user_id?: string;
};

export type DeployWorkflowQuery = {
  /** why; the audit keeps it */
  reason?: string;
  /** whose the workflow is. Without it: the platform's, for every service that has none of that id */
  service?: string;
  /** only: nothing is kept */
  validate?: "only";
};

export type Deployment = {
  by: string;
  /** false: the content had been deployed before */
  created: boolean;
  created_at: string;
  /** of the content */
  hash: string;
  /** whose the workflow is; absent: the platform's */
  service?: string;
  state: "draft" | "active" | "deprecated" | "locked";
  version: number;
  warnings: {
    column?: number;
    detail: string;
    line?: number;
    pointer: string;
  }[];
  workflow: string;
};

export type Differences = {
  differences: {
    /** missing: it is not there */
    new?: unknown;
    /** missing: it is not there */
    old?: unknown;
    /** JSON pointer into the newer one; into the older one, where that alone has it */
    pointer: string;
  }[];
  from: number;
  /** whose the workflow is; absent: the platform's */
  service?: string;
  to: number;
  workflow: string;
};

export type Event = {
  action?: "retry" | "skip" | "done";
  /** seq of the signal that was consumed */
  answers?: number;
  /** Of a step_started: Redis had lost the journal, and nobody knows whether the step began; it is undone as if it had */
  assumed?: boolean;
  at: string;
  /** Who asked for it */
  by?: string;
  /** Id of the child task */
  child?: string;
  /** In full */
  child_state?: "pending" | "running" | "waiting" | "compensating" | "stuck" | "completed" | "failed" | "cancelled";
  /** Output, payload or decided value */
  data?: unknown;
  /** The attempt's deadline; when a wait is over; when to try again */
  due?: string;
  error?: string;
  /** No further attempt */
  final?: boolean;
  /** Stopped by us; does not count as an attempt */
  interrupted?: boolean;
  /** The message's event */
  kind: "created" | "step_started" | "decided" | "waiting" | "compensation_started" | "completed" | "failed" | "cancelled" | "stuck" | "step_done" | "attempt_failed" | "child_started" | "signal" | "cancel" | "child_finished" | "resolved" | "undo_requested" | "recovered";
  not_undone?: string[];
  /** It may have had its effect */
  outcome_unknown?: boolean;
  /** Why somebody wanted it, or why compensation started */
  reason?: string;
  /** Position in the journal, from 1; the message's id */
  seq: number;
  /** The signal's name */
  signal?: string;
  /** Its path */
  step?: string;
  step_kind?: "activity" | "sequence" | "parallel" | "condition" | "loop" | "timer" | "signal" | "child";
  task?: {
    deadline?: string;
    id: string;
    /** As it was sent */
    input?: unknown;
    parent?: string;
    process_at?: string;
    queue: string;
    retry_of?: string;
    service?: string;
    type: string;
    /** The user whose task it is */
    user_id: string;
  };
  /** Its deadline passed */
  timed_out?: boolean;
  /** About the step's undo, not its do */
  undo?: boolean;
};

export type Execute = {
  /** any JSON; {} when it is missing */
  input?: unknown;
  /** the service */
  serviceSchema: string;
  /** ignored: what runs is the definition that was deployed */
  workflowDefinition?: unknown;
  /** the task's type */
  workflowId: string;
};

export type Executed = {
  /** the task's id */
  executionId: string;
  message: string;
  mode: "osp";
  success: true;
  taskQueue: string;
  /** the same */
  temporalWorkflowId: string;
};

export type Execution = {
  completed_at: string | null;
  created_at: string;
  error: string | null;
  execution_id: string;
  input: unknown;
  output: unknown;
  service_schema: string;
  started_at: string | null;
  status: "pending" | "running" | "completed" | "failed" | "cancelled";
  user_id: string;
  workflow_id: string;
};

export type Executions = {
  executions: Execution[];
  success: true;
};

export type GetTypeQuery = {
  /** the service that tasks of a workflow that is data are to be started in. Without it: that of the API key, or none */
  service?: string;
};

export type GetVersionQuery = {
  /** whose the workflow is. Without it: the platform's */
  service?: string;
};

export type Health = {
  status: "ok" | "ready";
};

/** Of a step that waits for a person's answer */
export type Human = {
  description?: string;
  /** Who may answer: any of them */
  roles: string[];
  title?: string;
};

export type HumanTasks = {
  human_tasks: {
    description?: string;
    /** When it is escalated, or given up */
    due_at?: string;
    /** Who may answer: any of them */
    roles: string[];
    service?: string;
    /** When it was asked, or escalated */
    since: string;
    /** Its path */
    step: string;
    task: string;
    title?: string;
  }[];
  /** Send as cursor for the next page */
  next?: string;
};

export type ListActionsQuery = {
  /** cancel, retry, sign-in, … */
  action?: string;
  /** A key's name, user:<uuid>, or password:operator */
  by?: string;
  /** next of an earlier page */
  cursor?: string;
  /** Entries on a page */
  limit?: number;
  /** A task's id, a workflow's, a service, … */
  subject?: string;
};

export type ListDeadLettersQuery = {
  /** next of the previous page */
  cursor?: string;
  limit?: number;
};

export type ListDeliveriesQuery = {
  /** next of the previous page */
  cursor?: string;
  limit?: number;
};

export type ListExecutionsQuery = {
  limit?: number;
  service?: string;
};

export type ListHumanTasksQuery = {
  /** next of the previous page */
  cursor?: string;
  limit?: number;
  /** Only those that are for this role */
  role?: string;
  service?: string;
};

export type ListNotesQuery = {
  /** next of the previous page */
  cursor?: string;
  limit?: number;
  /** whose the workflow is. Without it: the platform's */
  service?: string;
};

export type ListTaskDeliveriesQuery = {
  /** next of the previous page */
  cursor?: string;
  limit?: number;
};

export type ListTasksQuery = {
  /** another name of from */
  created_after?: string;
  /** another name of until */
  created_before?: string;
  /** next of the previous page */
  cursor?: string;
  /** created then or later */
  from?: string;
  limit?: number;
  /** the beginning of an id, or a part of a type or of an error, in capitals or not; no character of it means anything */
  search?: string;
  service?: string;
  state?: "pending" | "running" | "waiting" | "compensating" | "stuck" | "completed" | "failed" | "cancelled";
  status?: "pending" | "running" | "completed" | "failed" | "cancelled";
  type?: string;
  /** created before then; must be after from */
  until?: string;
  user_id?: string;
};

export type ListVersionsQuery = {
  /** next of the previous page */
  cursor?: string;
  limit?: number;
  /** whose the workflow is. Without it: the platform's */
  service?: string;
};

export type ListWebhooksQuery = {
  /** next of the previous page */
  cursor?: string;
  limit?: number;
  /** of this service alone */
  service?: string;
};

export type ListWorkflowsQuery = {
  /** next of the previous page */
  cursor?: string;
  limit?: number;
  /** only the workflows of this service. Without it: all that the caller may know of */
  service?: string;
};

export type NewWebhook = {
  enabled?: boolean;
  /** Without it: all four */
  events?: ("task.completed" | "task.failed" | "task.cancelled" | "task.stuck")[];
  /** Why */
  reason?: string;
  /** Name of the secret that signs: NAME for the one in OSP_SECRET_NAME */
  secret_name: string;
  /** Of tasks of this service alone. Without it: of all tasks */
  service?: string;
  /** Of these types of tasks alone; none: of all */
  types?: string[];
  /** https, and on the internet, unless OSP_HTTP_ALLOW_PRIVATE is on */
  url: string;
};

export type Notes = {
  /** cursor of the next page */
  next?: string;
  notes: {
    action: "create" | "activate" | "deprecate" | "lock";
    at: string;
    by: string;
    id: number;
    reason: string;
    /** whose the workflow is; absent: the platform's */
    service?: string;
    version: number;
    workflow: string;
  }[];
};

export type Overview = {
  /** deliveries that are due */
  backlog: number;
  capped: boolean;
  /** when the result store said so: while it is away that is a while ago */
  counted_at?: string;
  dead_letters: number;
  oldest_waiting_seconds: number;
  /** as GET /v1/tasks/counts has it; empty while the result store has said nothing */
  states: {
    cancelled?: number;
    compensating?: number;
    completed?: number;
    failed?: number;
    pending?: number;
    running?: number;
    stuck?: number;
    waiting?: number;
  };
  stuck: number;
  /** the last 60 minutes, oldest first; the last one is under way */
  throughput: {
    at: string;
    cancelled: number;
    completed: number;
    failed: number;
    started: number;
  }[];
  /** rows that are older than their tasks */
  unwritten: number;
  workers: {
    active: number;
    concurrency: number;
    host: string;
    id: string;
    queues: string[];
    started_at: string;
  }[];
};

export type Page = {
  /** Cursor of the next page; missing on the last */
  next?: string;
  tasks: Task[];
};

export type Pause = {
  by: string;
  kind: "type" | "service" | "queue";
  name: string;
  reason: string;
  since: string;
  /** Of one that was just set: what may be wrong with it */
  warnings?: {
    detail: string;
    parameter: string;
  }[];
};

export type PauseRequest = {
  reason: string;
};

export type Pauses = {
  items: Pause[];
};

export type Problem = {
  /** What is wrong and what to do */
  detail: string;
  errors?: {
    column?: number;
    detail: string;
    header?: string;
    /** Of a definition, from 1 */
    line?: number;
    /** In the path or the query */
    parameter?: string;
    /** JSON pointer into the body */
    pointer?: string;
  }[];
  /** Find the cause in the log by it */
  request_id?: string;
  status: number;
  title: string;
  /** Stable; a GET there explains it */
  type: string;
};

export type Queue = {
  active: number;
  name: string;
  oldest_waiting_seconds: number;
  paused: boolean;
  /** wait for a worker, or for their service's turn */
  pending: number;
  /** wait for a moment, a signal, room or the end of a pause */
  retry: number;
  /** to begin later */
  scheduled: number;
  /** asynq itself delivers nothing of the queue, what is to be undone included: somebody paused it in Asynqmon */
  undo_paused: boolean;
  /** no worker serves it at the moment; one that was killed counts for some seconds more */
  unserved: boolean;
  weight: number;
};

export type Queues = {
  items: Queue[];
};

export type Raise = {
  /** What tells it from other signals of the name. Default: the Idempotency-Key; without one every signal is another one */
  id?: string;
  /** Any JSON of at most 1 MiB: the task's input, or what the trigger makes its input of */
  payload?: unknown;
  /** Whose workflows; the key's own where it is bound to one. Users name one of theirs */
  service?: string;
};

/** Either ids or all */
export type Resend = {
  all?: true;
  ids?: string[];
  /** For the audit */
  reason?: string | null;
};

export type Resent = {
  /** How many had been refused */
  resent: number;
};

export type Resolve = {
  /** retry: try the undo again; skip: leave it, it is listed under not_undone; done: it has been undone by hand */
  action: "retry" | "skip" | "done";
  /** Kept in the journal */
  reason: string;
  /** Path of the stuck step */
  step: string;
};

export type ResumeRequest = {
  reason?: string;
};

export type Retry = {
  /** For the audit */
  reason?: string | null;
};

export type RowChange = {
  old_record?: { [member: string]: unknown } | null;
  record?: { [member: string]: unknown } | null;
  /** The service */
  schema: string;
  table: string;
  type: "INSERT" | "UPDATE" | "DELETE";
};

export type Scale = {
  /** Deliveries that are due: waiting for a worker, or with one. Timers and other waits are not among them */
  backlog: number;
  /** backlog / OSP_SCALE_PER_WORKER, rounded up, from OSP_SCALE_MIN to OSP_SCALE_MAX */
  desired: number;
};

export type Session = {
  /** The session ends then at the latest */
  expires_at?: string;
  /** password: the operator password, or an API key; supabase: e-mail address and password of a user of the project */
  logins: ("password" | "supabase")[];
  /** As in by: the key's name, user:<uuid>, or password:operator */
  name?: string;
  /** There is no authentication here: everybody is an operator */
  open: boolean;
  role?: "reader" | "starter" | "operator";
  /** The service that a key is limited to */
  service?: string;
  signed_in: boolean;
  /** The user whose tasks these are limited to */
  user_id?: string;
};

export type SignIn = {
  /** Of a user of the project. Without it the password is the operator's, or an API key */
  email?: string;
  password: string;
};

export type Signalled = {
  id: string;
  signal: string;
};

export type Start = {
  /** Yours, or generated. The same id and request again is the same task. Not . or .. */
  id?: string | null;
  /** What the type's input_schema allows; at most 1 MiB */
  input: unknown;
  /** Tasks of the type with the same one share a limit, where OSP_LIMITS says per=key */
  limit_key?: string | null;
  /** Which of the usual queues */
  priority?: "high" | "default" | "low" | null;
  /** Not before this moment */
  process_at?: string | null;
  /** One of the queues of OSP_QUEUES; not together with priority */
  queue?: string | null;
  /** Schema name of the service that the task belongs to. A user may name services of their own; for a key that is bound to one it is that one */
  service?: string | null;
  /** One of GET /v1/types */
  type: string;
  /** The user whose task it is; the nil UUID when missing */
  user_id?: string | null;
  webhook?: TaskWebhook;
};

export type Step = {
  attempts: number;
  /** Id of the child task */
  child?: string;
  completed_at?: string;
  /** Of a human task that waits: when it is escalated, or given up */
  due_at?: string;
  error?: string;
  human?: Human;
  kind: "activity" | "sequence" | "parallel" | "condition" | "loop" | "timer" | "signal" | "child";
  next_attempt_at?: string;
  /** What it returned */
  output?: unknown;
  path: string;
  started_at: string;
  state: "running" | "waiting" | "completed" | "failed" | "compensating" | "compensated" | "stuck" | "not_undone";
  undo_attempts?: number;
  undo_error?: string;
  undone_at?: string;
};

export type StreamEventsQuery = {
  /** Only events with a higher seq */
  after?: number;
};

export type Task = {
  completed_at?: string;
  created_at: string;
  /** Why it is being, or was, undone */
  error?: string;
  id: string;
  /** As it was sent */
  input: unknown;
  not_undone?: string[];
  /** Of a completed task */
  output?: unknown;
  /** The pauses that hold it: it begins no forward step until they are over, and a queue that is paused by asynqmon delivers nothing of it, undos included. GET /v1/tasks/{id} tells it, of a task that has not ended */
  paused_by?: Pause[];
  /** Which way it moves */
  phase: "forward" | "undo";
  /** The task that this one repeats */
  retry_of?: string;
  service?: string;
  started_at?: string;
  /** In full */
  state: "pending" | "running" | "waiting" | "compensating" | "stuck" | "completed" | "failed" | "cancelled";
  /** Coarse: waiting, compensating and stuck count as running */
  status: "pending" | "running" | "completed" | "failed" | "cancelled";
  steps: Step[];
  type: string;
  /** No worker serves its queue at the moment, so that nothing happens. GET /v1/tasks/{id} tells it, of a task that does not wait */
  unserved?: boolean;
  /** The user whose task it is */
  user_id: string;
  /** Rises with every change; microseconds since 1970 or more */
  version: number;
  /** When a waiting task goes on by itself */
  waiting_until?: string;
};

export type TaskCounts = {
  /** there are more: each state is counted up to 10000, and of tasks that have ended at most the newest 50000 that fit are looked at */
  capped: boolean;
  state: {
    cancelled: number;
    compensating: number;
    completed: number;
    failed: number;
    pending: number;
    running: number;
    stuck: number;
    waiting: number;
  };
  status: {
    cancelled: number;
    completed: number;
    failed: number;
    pending: number;
    running: number;
  };
};

/** Where the end of this task is told */
export type TaskWebhook = {
  /** The secret that signs, by its name; for API keys that are not bound to a service. Without it the message is not signed */
  secret?: string | null;
  /** https, and on the internet, unless OSP_HTTP_ALLOW_PRIVATE is on */
  url: string;
} | null;

export type Type = {
  /** Who may start it, given the role starter. open: users and every API key; unbound: users, and API keys that are not bound to a service; privileged: API keys that are not bound to a service */
  access: "open" | "unbound" | "privileged";
  description: string;
  /** JSON Schema 2020-12 */
  input_schema: unknown;
  name: string;
};

export type Types = {
  types: Type[];
};

export type Version = {
  by: string;
  created_at: string;
  /** the content; lists leave it out */
  definition?: { [member: string]: unknown };
  /** of the content */
  hash: string;
  /** whose the workflow is; absent: the platform's */
  service?: string;
  state: "draft" | "active" | "deprecated" | "locked";
  version: number;
  workflow: string;
};

export type VersionChange = {
  /** why; the audit keeps it */
  reason: string;
  state: "active" | "deprecated" | "locked";
  version: number;
};

export type Versions = {
  /** cursor of the next page */
  next?: string;
  versions: Version[];
};

export type Webhook = {
  /** Who made the last change */
  by: string;
  changed_at: string;
  created_at: string;
  enabled: boolean;
  events: ("task.completed" | "task.failed" | "task.cancelled" | "task.stuck")[];
  id: string;
  /** Of the last change */
  reason?: string;
  /** Name of the secret that signs: NAME for the one in OSP_SECRET_NAME */
  secret_name: string;
  /** Of tasks of this service alone. Without it: of all tasks */
  service?: string;
  /** When it was last enabled: it is told of nothing that happened before */
  since: string;
  /** Of these types of tasks alone; none: of all */
  types?: string[];
  url: string;
};

export type Webhooks = {
  /** Cursor of the next page; missing on the last */
  next?: string;
  webhooks: Webhook[];
};

export type ProblemType =
  | "/problems/answered"
  | "/problems/bad-hook"
  | "/problems/bad-parameter"
  | "/problems/bad-sign-in"
  | "/problems/child"
  | "/problems/conflict"
  | "/problems/cross-site"
  | "/problems/finished"
  | "/problems/forbidden"
  | "/problems/hooks-off"
  | "/problems/internal"
  | "/problems/invalid"
  | "/problems/lost"
  | "/problems/malformed"
  | "/problems/no-such-human-task"
  | "/problems/no-such-route"
  | "/problems/no-such-task"
  | "/problems/no-such-type"
  | "/problems/no-such-webhook"
  | "/problems/no-such-workflow"
  | "/problems/not-stuck"
  | "/problems/not-waiting"
  | "/problems/overloaded"
  | "/problems/too-large"
  | "/problems/too-many-requests"
  | "/problems/too-many-sign-ins"
  | "/problems/unauthenticated"
  | "/problems/unavailable"
  | "/problems/unfinished"
  | "/problems/unknown-type"
  | "/problems/unsupported-media-type";
