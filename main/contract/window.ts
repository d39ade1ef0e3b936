/**
 * What the window may ask of the shell, and what it is told: one table, from which the preload makes its named methods and
 * the shell its handlers. The renderer runs no Node and sees no token; what it shows came from agents and backends,
 * so it is text and nothing else. Widening (`decide` with `allow`, `approve`, `approveDefinitions`, `resume`) exists here and nowhere outside the shell.
 */
import { z } from 'zod';
import { approvalDecisionSchema, approvalSchema } from './approval.ts';
import { accountNameSchema } from './config.ts';
import { findingSchema, statusSchema } from './control.ts';
import { definitionsHashSchema, shownDefinitionsSchema } from './definitions.ts';
import { connectorNameSchema } from './manifest.ts';
import { keptHeadSchema, keptRowsSchema, referenceIdSchema } from './reference.ts';

const empty = z.strictObject({});

export const signInProgressSchema = z.discriminatedUnion('step', [
  /** `reason`: the provider's own words, of the last renewal that it refused. */
  z.strictObject({ step: z.literal('idle'), reason: z.string().max(300).optional() }),
  /** The browser was opened; with `url` it could not be, and the person may copy the address. */
  z.strictObject({ step: z.literal('browser'), since: z.int(), url: z.string().optional() }),
  /** In words for the person, with what to do. */
  z.strictObject({
    step: z.literal('failed'),
    say: z.string(),
    /** The provider's own words. */
    reason: z.string().max(300).optional(),
  }),
]);

/** How far the one file is that may be written at a time; the last one's end until the next. */
export const saveProgressSchema = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('idle') }),
  z.strictObject({ step: z.literal('writing'), id: referenceIdSchema, rows: z.int(), of: z.int() }),
  /** `defused`: cells that a spreadsheet would have run as formulas. */
  z.strictObject({
    step: z.literal('saved'),
    id: referenceIdSchema,
    file: z.string().max(4096),
    rows: z.int(),
    defused: z.int(),
  }),
  z.strictObject({ step: z.literal('failed'), id: referenceIdSchema, say: z.string() }),
]);
export type SaveProgress = z.infer<typeof saveProgressSchema>;

/** Rows of a page in the window; a cell's characters; all characters of a page: with the signs around them under 1 MiB. */
export const shownRows = 100;
export const maxCellLength = 500;
export const maxShownLength = 200_000;

export const windowStateSchema = z.strictObject({
  /** Null while processes are being started. */
  status: statusSchema.nullable(),
  signIn: signInProgressSchema,
  /** Calls that wait for the person; for the window alone, since they hold arguments. */
  approvals: z.array(approvalSchema),
  /** Rows that are kept for the person, for a while. */
  kept: z.array(keptRowsSchema).max(100),
  save: saveProgressSchema,
  /** The protections as `doctor` sees them; null until they were read. */
  protection: z.array(findingSchema).nullable(),
  /** False: this desktop shows no tray icons, so the window stays. */
  tray: z.boolean(),
  /** Why Sallyport cannot serve, when it cannot: the window says so and offers to quit. */
  failure: z.string().nullable(),
});
export type WindowState = z.infer<typeof windowStateSchema>;

export const windowMethods = {
  state: { params: empty, result: windowStateSchema },
  /** Opens the person's browser. Progress comes as `changed`. */
  signIn: { params: z.strictObject({ account: accountNameSchema.optional() }), result: empty },
  cancelSignIn: { params: empty, result: empty },
  signOut: { params: empty, result: empty },
  /** Sealed to the vault's key in the shell, and kept there until the person signs out. */
  proxyPassword: { params: z.strictObject({ password: z.string().min(1).max(1000) }), result: empty },
  pause: { params: empty, result: empty },
  resume: { params: empty, result: empty },
  /** The person's answer about a program, kept for this run. */
  decide: { params: z.strictObject({ key: z.string().max(600), decision: z.enum(['allow', 'deny']) }), result: empty },
  /** Unknown again: its next call asks. */
  forget: { params: z.strictObject({ key: z.string().max(600) }), result: empty },
  /** The person's answer about one call. */
  approve: { params: z.strictObject({ id: z.uuid(), decision: approvalDecisionSchema }), result: empty },
  /** What a wrapped server says of its tools, all of it. */
  readDefinitions: { params: z.strictObject({ connector: connectorNameSchema }), result: shownDefinitionsSchema },
  /** The person's word, for exactly what they read. */
  approveDefinitions: {
    params: z.strictObject({ connector: connectorNameSchema, hash: definitionsHashSchema }),
    result: empty,
  },
  /** Its tools wait for the person again. */
  forgetDefinitions: { params: z.strictObject({ connector: connectorNameSchema }), result: empty },
  /** What kept rows look like; that the person opens them goes on record. */
  openRows: { params: z.strictObject({ id: referenceIdSchema }), result: keptHeadSchema },
  /** A page of them, from this row on, as the backend gave them. Fewer than a page: it is full, or they end. */
  rows: {
    params: z.strictObject({ id: referenceIdSchema, from: z.int().nonnegative() }),
    result: z.strictObject({
      rows: z.array(z.array(z.string().max(maxCellLength).nullable()).max(1664)).max(shownRows),
    }),
  },
  /** Asks where, with the system's dialog, and answers when all is written or nothing. Progress is in the state. */
  saveRows: { params: z.strictObject({ id: referenceIdSchema }), result: empty },
  cancelSave: { params: empty, result: empty },
  /** Reads the protections again from the kernel. */
  checkProtection: { params: empty, result: empty },
  quit: { params: empty, result: empty },
} as const;
export type WindowMethod = keyof typeof windowMethods;

export const windowScreens = ['overview', 'programs', 'definitions', 'calls', 'protection'] as const;
export type WindowScreen = (typeof windowScreens)[number];

export const windowEvents = {
  /** Something changed; the window asks for `state`. */
  changed: empty,
  /** The tray asks for a part of the window. */
  show: z.strictObject({ screen: z.enum(windowScreens) }),
} as const;
export type WindowEvent = keyof typeof windowEvents;

type Params<M extends WindowMethod> = z.infer<(typeof windowMethods)[M]['params']>;
type Result<M extends WindowMethod> = z.infer<(typeof windowMethods)[M]['result']>;

/** What answers the table: parameters are parsed before they come here. */
export type WindowHandlers = {
  readonly [M in WindowMethod]: (params: Params<M>) => Promise<Result<M>>;
};

/** Across the two worlds: a sentence in place of an exception. */
export type WindowAnswer =
  { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly say: string };

/** `window.sallyport` in the renderer. */
export type WindowBridge = {
  readonly [M in WindowMethod]: (params: Params<M>) => Promise<Result<M>>;
} & {
  /** Answers how to stop listening. */
  readonly on: <E extends WindowEvent>(
    event: E,
    listener: (body: z.infer<(typeof windowEvents)[E]>) => void,
  ) => () => void;
};

/** IPC channel names; the preload and the shell use no other. */
export const windowChannel = { call: 'sallyport:call', event: 'sallyport:event' } as const;
/** The window's own scheme and only page. */
export const windowPage = 'app://sallyport/index.html';
