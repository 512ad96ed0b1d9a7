// Shows the signed-in user's tasks as they move. The rows come from PostgREST, under row-level security; that they have
// changed is told by broadcasts on the user's own private channel. A broadcast may be missed, a row is the truth: so rows are
// read again whenever the channel is joined, and broadcasts only say which ones.
import { createClient } from '@supabase/supabase-js'

const columns = 'execution_id,workflow_id,task_type,service_schema,status,state,current_step,attempt,error,version,created_at,' +
  'workflow_execution_steps(path,position,state,attempts,undo_attempts)'
const page = 50 // tasks shown
const pause = 250 // ms in which further broadcasts are waited for before rows are read

const $ = id => document.getElementById(id)
const tasks = new Map() // by id
const stale = new Set() // ids of rows to be read again
let supabase, channel, timer

$('enter').url.value = localStorage.getItem('url') ?? ''
$('enter').key.value = localStorage.getItem('key') ?? ''
$('enter').addEventListener('submit', event => {
  event.preventDefault()
  enter(new FormData($('enter'))).catch(error => say('refused', error.message))
})
$('leave').addEventListener('click', leave)
addEventListener('online', load)
setInterval(() => tasks.forEach(show), 30_000) // "2 min ago" grows older

async function enter(form) {
  const [url, key, token] = ['url', 'key', 'token'].map(name => form.get(name).trim())
  say('refused')
  supabase = createClient(url, key, token ? { accessToken: async () => token } : {})
  const user = token ? subject(token) : await signIn(form.get('email'), form.get('password'))
  localStorage.setItem('url', url)
  localStorage.setItem('key', key)
  $('enter').hidden = true
  $('leave').hidden = false
  await follow(user)
}

async function signIn(email, password) {
  const { data, error } = await supabase.auth.signInWithPassword({ email, password })
  if (error) throw error
  return data.user.id
}

// subject reads whose an access token is. Whether it is genuine is for Supabase to say.
function subject(token) {
  try {
    return JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).sub
  } catch {
    throw new Error('This is no access token: it has three parts with dots between them.')
  }
}

// follow joins the user's channel. supabase-js joins it again after a loss, and says so each time.
async function follow(user) {
  connection('away', 'connecting …')
  await supabase.realtime.setAuth()
  channel = supabase.channel(`osp:tasks:${user}`, { config: { private: true } })
    .on('broadcast', { event: 'tasks' }, ({ payload }) => payload.tasks.forEach(heard))
    .subscribe((status, error) => {
      if (status === 'SUBSCRIBED') {
        connection('live', 'live')
        say('trouble')
        load()
      } else {
        connection('away', 'reconnecting …')
        if (error) say('trouble', `Changes do not arrive: ${error.message}`)
      }
    })
  await load() // the rows do not wait for the channel
}

// heard takes a task of a broadcast: what it tells is shown at once, and the row is read soon for the rest.
function heard(change) {
  const known = tasks.get(change.id)
  if (known && known.version >= change.version) return
  if (known) {
    const { state, status, error, current_step, attempt, version } = change
    show(Object.assign(known, { state, status, error, current_step, attempt, version }))
  }
  stale.add(change.id)
  timer ??= setTimeout(refresh, pause)
}

async function refresh() {
  timer = undefined
  const ids = [...stale].slice(0, page)
  ids.forEach(id => stale.delete(id))
  take(await read(query => query.in('execution_id', ids)))
  if (stale.size) timer ??= setTimeout(refresh, pause)
}

async function load() {
  if (supabase) take(await read(query => query))
}

async function read(narrow) {
  const { data, error } = await narrow(supabase.from('workflow_executions').select(columns))
    .order('created_at', { ascending: false }).order('execution_id', { ascending: false }).limit(page)
  if (error) say('trouble', `The tasks could not be read: ${error.message}`)
  return data ?? []
}

function take(rows) {
  for (const row of rows) {
    if (row.version >= (tasks.get(row.execution_id)?.version ?? 0)) tasks.set(row.execution_id, row)
  }
  const newest = [...tasks.values()].sort((a, b) =>
    b.created_at.localeCompare(a.created_at) || b.execution_id.localeCompare(a.execution_id))
  newest.slice(page).forEach(old => tasks.delete(old.execution_id))
  $('nothing').hidden = tasks.size > 0
  $('tasks').replaceChildren(...newest.slice(0, page).map(show))
}

// show brings a task's card up to date, and makes it if there is none.
function show(task) {
  const id = `task-${task.execution_id}`
  let card = $(id)
  if (!card) {
    card = $('task').content.firstElementChild.cloneNode(true)
    card.id = id
  }
  const put = (selector, text) => { card.querySelector(selector).textContent = text || '' }
  put('h2', task.task_type ?? task.workflow_id)
  put('.state', task.state ?? task.status)
  card.querySelector('.state').dataset.state = task.state ?? task.status
  put('.about', [task.service_schema, ago(task.created_at)].filter(Boolean).join(' · '))
  put('.error', task.error)
  const unfinished = task.status === 'pending' || task.status === 'running'
  put('.now', unfinished && task.current_step && `at ${task.current_step}` + (task.attempt > 1 ? `, attempt ${task.attempt}` : ''))
  const steps = (task.workflow_execution_steps ?? []).toSorted((a, b) => a.position - b.position)
  card.querySelector('.steps').replaceChildren(...steps.map(step => {
    const item = document.createElement('li')
    item.textContent = step.path
    item.dataset.state = step.state
    item.title = `${step.state.replace('_', ' ')}, attempts: ${step.attempts}` + (step.undo_attempts ? `, undos: ${step.undo_attempts}` : '')
    return item
  }))
  return card
}

function ago(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000)
  const [size, unit] = [[86400, 'day'], [3600, 'hour'], [60, 'minute']].find(([size]) => seconds >= size) ?? [1, 'second']
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-Math.floor(seconds / size), unit)
}

function connection(is, words) {
  $('connection').dataset.is = is
  $('connection').textContent = words
}

// say shows a message, or takes it away.
function say(where, words = '') {
  $(where).textContent = words
  $(where).hidden = !words
}

async function leave() {
  await supabase.removeAllChannels()
  if (!$('enter').token.value) await supabase.auth.signOut()
  location.reload()
}
