// What every module of the pages draws with: Preact, by tagged templates. All that is put into a template is text to it, whatever
// it holds.
import { h, render, Fragment, Component } from './vendor/preact.mjs'
import { useState, useEffect, useLayoutEffect, useMemo, useRef, useCallback, useId } from './vendor/hooks.mjs'
import htm from './vendor/htm.mjs'

const html = htm.bind(h)

export { html, render, Fragment, Component, useState, useEffect, useLayoutEffect, useMemo, useRef, useCallback, useId }
