/** What axe finds wrong on a page. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

type Violation = Awaited<ReturnType<AxeBuilder['analyze']>>['violations'][number];

/** @param rules all, if absent */
export async function violationsOn(page: Page, rules?: readonly string[]): Promise<readonly Violation[]> {
  // Its own half megabyte of source would be read anew for each look, and all that passed sent back.
  const isThere = await page.evaluate('typeof axe === "object"');
  const axe = new AxeBuilder(isThere === true ? { page, axeSource: 'void 0' } : { page });
  axe.options({ resultTypes: ['violations'] });
  // There are no frames, for which it would open a page of its own: Electron's context opens no second one.
  axe.setLegacyMode();
  if (rules !== undefined) axe.withRules([...rules]);
  const { violations } = await axe.analyze();
  return violations;
}
