// The overview.
import { html } from './html.js'
import { useTitle } from './parts.js'
import { Counts } from './counts.js'

export function Overview() {
  useTitle('Overview')
  return html`<h1>Overview</h1><${Counts} /><p><a href="/ui/tasks">See the tasks</a></p>`
}
