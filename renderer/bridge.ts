/** The one way out of the page: what the preload put there, and the state it tells, kept for React. */
import { useSyncExternalStore } from 'react';
import type { WindowBridge, WindowState } from '../main/contract/window.ts';

declare global {
  interface Window {
    readonly sallyport: WindowBridge;
  }
}

export const shell = window.sallyport;

const starting: WindowState = {
  status: null,
  signIn: { step: 'idle' },
  protection: null,
  tray: true,
  failure: null,
};

let state = starting;
let asked = false;
const listeners = new Set<() => void>();

/** Many changes while an answer is under way are one more question. */
async function refresh(): Promise<void> {
  if (asked) return;
  asked = true;
  await new Promise(requestAnimationFrame);
  asked = false;
  state = await shell.state({});
  for (const listener of listeners) listener();
}

export function startBridge(): void {
  shell.on('changed', () => void refresh());
  // A hidden window draws no frames: it catches up when it is shown.
  document.addEventListener('visibilitychange', () => void refresh());
  void refresh();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useWindowState(): WindowState {
  return useSyncExternalStore(subscribe, () => state);
}
