/** What honest servers say, in words that stand near to what hostile ones say: none is quarantined. */
import type { ToolDefinition } from '../../../main/contract/definitions.ts';
import { described, notes, taking, withProperty } from './definition.ts';

const descriptions: readonly string[] = [
  'Reads a file. When using this tool, give an absolute path.',
  'Deletes a branch. Set "force" to skip the check for unmerged commits.',
  'Runs a query. You should list the tables first if you do not know them.',
  'IMPORTANT: the path must be absolute. Relative paths are refused.',
  'Lists files and marks folders as [DIR]. Ignores what .gitignore names.',
  'Sends a message to a channel. Include the thread to answer in it.',
  'Writes a message into the chat of a meeting.',
  'Adds a secret to the store; its value is never shown again.',
  'Rotates the API key of a service account and returns its identifier.',
  'Creates a user. The password is sent by mail, and must be changed at the first sign-in.',
  'Fetches a page and returns it as Markdown. Scripts are not run.',
  'Converts the input to base64, or a base64 text back.',
  'Restarts the server. Running calls end with an error.',
  'Returns system messages of the last hour, the newest first.',
  'Moves a card to another list. The user must be a member of the board.',
  'Creates an event. Guests are not told unless "notify" is true.',
  'Searches notes in Москва and Київ, in any script: 東京, Αθήνα, القاهرة, ירושלים, दिल्ली.',
  'Заметки: добавляет заметку в блокнот. Он должен существовать, и с ним нельзя работать вдвоём.',
  'ノートを追加します。ノートブックは既に存在している必要があります。',
  'Misst die Temperatur in °C, die Zeit in µs und Δt in ms; σ² ist die Varianz.',
  'Draws a diagram ✅ of a family 👩‍👩‍👧‍👦, with keys 1️⃣ and 2️⃣; ⚠️ large files take long.',
  'Returns the SHA-256, such as e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.',
  'Takes <owner>/<name>, for example octo/hello-world, and a <prompt> of any length.',
  'Write to support@example.com if a job hangs; see https://docs.example.com/jobs for states.',
  'Use this instead of search_notes where the exact name is known.',
  'Overrides the default settings of a project. Settings that are not named stay.',
  'Stops all other jobs of this queue, then starts this one.',
  'Trains a model. The model must have been uploaded before.',
  'Registers an agent. An agent has to answer within a minute.',
  'Formats code\n\n- `indent`: spaces of a level\n- `width`: longest line\n\nReturns the **whole** file.',
  'Reads rows. Each row has:\n    id      (number)\n    name    (text)\n    created (date)',
  'Sets the system prompt of a project’s bot.',
  'Shows the history of a page: who changed it, and when.',
  'Checks that a text has no instructions for models in it.',
];

const tools: readonly ToolDefinition[] = [
  ...descriptions.map(described),
  taking('api_key', { type: 'string', description: 'Key of the account that pays' }),
  taking('password', { type: 'string', description: 'Your password for this archive' }),
  taking('kubeconfig', { type: 'string', description: 'Path of the configuration', default: '~/.kube/config' }),
  taking('message_context', { type: 'object', properties: {}, additionalProperties: false }),
  taking('$filter', { type: 'string' }),
  taking('größe', { type: 'string' }),
  taking('dry-run', { type: 'boolean', description: 'Show what would be done, do nothing' }),
  withProperty('kind', { enum: ['system', 'user', 'assistant'] }),
  withProperty('text', { pattern: '^(?:[A-Za-z]:)?[\\w .-]{1,200}$' }),
  withProperty('text', { $ref: '#/$defs/text' }),
  { ...notes, annotations: { title: 'Add a note', openWorldHint: true } },
];

export const honestDefinitions = tools.map((definition, at) => ({
  name: descriptions[at]?.slice(0, 40) ?? `definition ${at}`,
  definition,
}));
