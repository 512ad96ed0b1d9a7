// Signing in.
import { html, useEffect, useState } from './html.js'
import { navigate } from './router.js'
import { safeNext, signIn, useSession } from './session.js'
import { Field, Skeleton, Trouble, useTitle } from './parts.js'

/** @param {{query: URLSearchParams}} props */
export function Login({ query }) {
  const session = useSession()
  const [problem, set] = useState(/** @type {any} */ (null))
  const [busy, setBusy] = useState(false)
  const next = safeNext(query.get('next'))
  useTitle('Sign in')
  const go = () => (next.startsWith('/ui/') ? navigate(next, { replace: true }) : location.replace(next))
  useEffect(() => { if (session?.signed_in || session?.open) go() }, [session])
  if (!session) return html`<${Skeleton} lines=${3} />`
  if (session.signed_in || session.open) return null
  const logins = session.logins ?? ['password']
  const submit = async (/** @type {any} */ event) => {
    event.preventDefault()
    const form = new FormData(event.target)
    setBusy(true)
    set(null)
    try {
      await signIn(Object.fromEntries([...form].map(([name, value]) => [name, String(value)])))
    } catch (error) {
      set(error)
    }
    setBusy(false)
  }
  return html`<div class="login"><h1>Sign in</h1><${Trouble} problem=${problem} />
    ${logins.includes('supabase') && html`<form onSubmit=${submit}><h2>With your account</h2>
      <${Field} label="E-mail">${(/** @type {any} */ a) => html`<input type="email" name="email" autocomplete="username" required ...${a} />`}</${Field}>
      <${Field} label="Password">${(/** @type {any} */ a) => html`<input type="password" name="password" autocomplete="current-password" required ...${a} />`}</${Field}>
      <button class="primary" disabled=${busy}>Sign in</button></form>`}
    ${(logins.includes('password') || !logins.includes('supabase')) && html`<form onSubmit=${submit}><h2>As an operator</h2>
      <${Field} label="Password or API key" hint="The operators’ password, or a key that begins with osp_.">${(/** @type {any} */ a) => html`<input type="password" name="password" autocomplete="current-password" required ...${a} />`}</${Field}>
      <button class=${logins.includes('supabase') ? '' : 'primary'} disabled=${busy}>Sign in</button></form>`}
  </div>`
}
