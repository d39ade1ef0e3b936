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
  approvals: [],
  kept: [],
  save: { step: 'idle' },
  protection: null,
  tray: true,
  failure: null,
};

let state = starting;
let isAsked = false;
let isAsking = false;
const listeners = new Set<() => void>();

/** One question at a time, so that no older answer replaces a newer one; many changes meanwhile are one more question. */
async function refresh(): Promise<void> {
  isAsked = true;
  if (isAsking) return;
  isAsking = true;
  while (isAsked) {
    await new Promise(requestAnimationFrame);
    isAsked = false;
    // A shell that cannot answer now tells of its next change.
    state = await shell.state({}).catch(() => state);
    for (const listener of listeners) listener();
  }
  isAsking = false;
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
