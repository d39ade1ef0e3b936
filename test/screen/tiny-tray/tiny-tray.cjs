// A tray icon of one colour, given as `#rrggbb`; says what was clicked. What the screen is tried with, without the product.
const { app, Menu, nativeImage, Tray } = require('electron');

const side = 22;
const colour = process.argv.at(-1) ?? '#ffffff';

// Kept: a tray that is collected goes away.
let tray;
app.whenReady().then(() => {
  const [red, green, blue] = Buffer.from(colour.slice(1), 'hex');
  const bitmap = Buffer.alloc(side * side * 4, Buffer.from([blue, green, red, 255]));
  tray = new Tray(nativeImage.createFromBitmap(bitmap, { width: side, height: side }));
  const item = (name) => ({ label: name, click: () => console.log(name) });
  tray.setContextMenu(Menu.buildFromTemplate(['first', 'second'].map(item)));
  tray.on('click', () => console.log('icon'));
});
