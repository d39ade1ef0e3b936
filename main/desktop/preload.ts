/** Gives the page `window.sallyport`: one function for each method of the table, one way to listen, and nothing else. */
import { contextBridge, ipcRenderer } from 'electron';
import { Fault } from '../contract/errors.ts';
import { windowChannel, windowEvents, windowMethods, type WindowAnswer } from '../contract/window.ts';

const methods = Object.fromEntries(
  Object.keys(windowMethods).map((method) => [
    method,
    async (params: unknown): Promise<unknown> => {
      const answer = (await ipcRenderer.invoke(windowChannel.call, { method, params })) as WindowAnswer;
      if (answer.ok) return answer.result;
      // The page shows the sentence; there is nothing else to it.
      throw new Fault('internal', answer.say);
    },
  ]),
);

function on(event: string, listener: (body: unknown) => void): () => void {
  if (!Object.hasOwn(windowEvents, event)) return () => undefined;
  const heard = (_: unknown, name: string, body: unknown): void => {
    if (name === event) listener(body);
  };
  ipcRenderer.on(windowChannel.event, heard);
  return () => {
    ipcRenderer.off(windowChannel.event, heard);
  };
}

contextBridge.exposeInMainWorld('sallyport', { ...methods, on });
