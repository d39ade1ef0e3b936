/** Where to save: the system's own dialog, over our window. It asks the person before a file is replaced. */
import path from 'node:path';
import { app, dialog, type BrowserWindow } from 'electron';

/** Null: the person did not want to. */
export async function chooseFile(window: BrowserWindow, suggested: string): Promise<string | null> {
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    title: 'Save all rows',
    defaultPath: path.join(app.getPath('downloads'), suggested),
    filters: [
      { name: 'CSV', extensions: ['csv'] },
      { name: 'JSON Lines', extensions: ['jsonl'] },
    ],
    properties: ['createDirectory', 'showOverwriteConfirmation'],
  });
  return canceled || filePath === '' ? null : filePath;
}
