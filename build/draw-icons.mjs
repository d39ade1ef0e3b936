#!/usr/bin/env node
// Draws build/icons/*.png from one drawing, with Chromium. Run it by hand after the drawing changed; the pictures are kept.
// Usage: node build/on-node24.mjs build/draw-icons.mjs
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'icons');

/** What a state looks like without its colour. */
const signs = {
  none: '',
  hollow: '<circle cx="24" cy="24" r="3.2" fill="#fff"/>',
  calls: '<path d="M24 19.6v5M24 28.2v.2"/>',
  bars: '<path d="M21.6 21v6M26.4 21v6"/>',
  cross: '<path d="M21.2 21.2l5.6 5.6M26.8 21.2l-5.6 5.6"/>',
};

/**
 * The gate, on a tile that stands out on light and dark panels alike.
 * @param {{ colour: string, sign: keyof typeof signs }} [dot] its state
 */
function drawing(dot) {
  const state =
    dot === undefined
      ? ''
      : `<circle cx="24" cy="24" r="7.4" fill="${dot.colour}" stroke="#fff" stroke-width="1.2"/>
        <g fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round">${signs[dot.sign]}</g>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="100%" height="100%">
    <rect x="1" y="1" width="30" height="30" rx="7" fill="#1c5d8c"/>
    <g fill="none" stroke="#fff" stroke-linecap="round">
      <path stroke-width="2.2" d="M8 26V15a8 8 0 0 1 16 0v11"/>
      <path stroke-width="1.3" d="M12.5 26V12.5M16 26V11M19.5 26V12.5M8.5 18h15M8.5 22.5h15"/>
    </g>${state}</svg>`;
}

/** Each tells its state by colour and sign here, and by words in its tooltip and menu. */
const states = /** @type {const} */ ({
  starting: { colour: '#8b95a3', sign: 'none' },
  nobody: { colour: '#8b95a3', sign: 'hollow' },
  'signed-in': { colour: '#1fae63', sign: 'none' },
  'needs-you': { colour: '#f2a516', sign: 'calls' },
  paused: { colour: '#8e5bd0', sign: 'bars' },
  failed: { colour: '#d93a3a', sign: 'cross' },
});

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();
/** @param {string} name @param {number} size @param {{ colour: string, sign: keyof typeof signs }} [dot] */
async function draw(name, size, dot) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>*{margin:0}svg{display:block}</style>${drawing(dot)}`);
  await page.screenshot({ path: path.join(folder, name), omitBackground: true });
}
fs.mkdirSync(folder, { recursive: true });
for (const [state, dot] of Object.entries(states)) {
  await draw(`tray-${state}.png`, 22, dot);
  await draw(`tray-${state}@2x.png`, 44, dot);
}
await draw('sallyport.png', 512);
await browser.close();
