/** Skipping policy does not compile. `tsc -b` judges these statements; running them only keeps them from being forgotten. */
import { describe, expectTypeOf, it } from 'vitest';
import type { Dispatch } from '../../main/connectors/dispatch.ts';
import { clear, type release, type ClearedCall, type ReleasedResult, type ToolCall } from '../../main/contract/call.ts';
import type { ToolManifest } from '../../main/contract/manifest.ts';
import type { Principal } from '../../main/contract/principal.ts';
import type { CallOutcome } from '../../main/pipeline/account.ts';
import type { PipelineDeps } from '../../main/pipeline/pipeline.ts';

interface Given {
  readonly call: ToolCall;
  readonly tool: ToolManifest;
  readonly principal: Principal;
  readonly signal: AbortSignal;
}

describe('only a cleared call can be dispatched', () => {
  it.each<[string, (dispatch: Dispatch, given: Given) => unknown]>([
    [
      'a call as it came',
      (dispatch, { call, signal }) =>
        // @ts-expect-error it passed no stage
        dispatch(call, signal),
    ],
    [
      'a call with everything that a cleared one has, but for its mark',
      (dispatch, { call, tool, principal, signal }) =>
        // @ts-expect-error the mark's symbol is not exported
        dispatch({ call, connector: 'probe', tool, principal, policy: 'p', exposure: 'internal', full: false }, signal),
    ],
    [
      'a call without a person',
      (_dispatch, { call, tool }) =>
        // @ts-expect-error there is no principal
        clear({ call, connector: 'probe', tool, principal: null, policy: 'p', exposure: 'internal', full: false }),
    ],
    [
      'a call that no policy permitted',
      (_dispatch, { call, tool, principal }) =>
        // @ts-expect-error there is no policy
        clear({ call, connector: 'probe', tool, principal, policy: null, exposure: 'internal', full: false }),
    ],
  ])('not %s', (_what, attempt) => {
    expectTypeOf(attempt).toBeFunction();
  });

  it('in the runner and in the dispatcher alike', () => {
    expectTypeOf<PipelineDeps['dispatch']>().parameter(0).toEqualTypeOf<ClearedCall>();
    expectTypeOf<Dispatch>().parameter(0).toEqualTypeOf<ClearedCall>();
    expectTypeOf<ToolCall>().not.toExtend<ClearedCall>();
    expectTypeOf<Parameters<typeof clear>[0]>().not.toExtend<ClearedCall>();
  });
});

describe('only a released result can be sent', () => {
  type Send = (outcome: CallOutcome) => void;
  it.each<[string, (send: Send, value: Record<string, unknown>) => void]>([
    [
      'a value as a connector sent it',
      (send, result) => {
        // @ts-expect-error it passed no stage
        send({ kind: 'released', result });
      },
    ],
    [
      'a value with its text',
      (send, value) => {
        // @ts-expect-error the mark's symbol is not exported
        send({ kind: 'released', result: { value, text: JSON.stringify(value) } });
      },
    ],
  ])('not %s', (_what, attempt) => {
    expectTypeOf(attempt).toBeFunction();
  });

  it('and what is released cannot be changed afterwards', () => {
    expectTypeOf<Extract<CallOutcome, { kind: 'released' }>['result']>().toEqualTypeOf<ReleasedResult>();
    expectTypeOf<Parameters<typeof release>[0]>().not.toExtend<ReleasedResult>();
    const _change = (result: ReleasedResult): void => {
      // @ts-expect-error it is read-only
      result.text = '';
    };
    expectTypeOf(_change).toBeFunction();
  });
});
