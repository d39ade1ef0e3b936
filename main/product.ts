/** Where the product's own parts lie: in a checkout, and in a packed folder. */
import path from 'node:path';

export interface Product {
  /** Holds node_modules, and dist/ with everything that is bundled. */
  readonly root: string;
  /** The folder of the trusted processes' entries, and whether they are bundles or sources. */
  readonly entries: string;
  readonly extension: '.mjs' | '.ts';
  /** The Node.js binary that runs all but the shell. */
  readonly runtime: string;
  /** The bundled host of every connector. */
  readonly connectorHost: string;
  /** The bundled client of every wrapped server. */
  readonly wrapHost: string;
  /** Beside one with destinations: the bundled interceptor, and what opens the server's ports. */
  readonly interceptHost: string;
  readonly serverDoor: string;
  /** The bundled launcher of sandboxes: on Linux where there are no namespaces, on Windows always. */
  readonly launcher: string;
  /** The bundled program that evaluates proxy scripts. */
  readonly proxyScriptHost: { readonly host: string; readonly interpreter: string };
  /** The connectors that ship with Sallyport. */
  readonly connectors: string;
  /** The policies that ship with Sallyport, one file a posture. */
  readonly postures: string;
}

export function productAt(root: string, runtime: string, entry: Pick<Product, 'entries' | 'extension'>): Product {
  const dist = path.join(root, 'dist');
  return {
    root,
    ...entry,
    runtime,
    connectorHost: path.join(dist, 'connector-host', 'host.mjs'),
    wrapHost: path.join(dist, 'connector-host', 'wrap.mjs'),
    interceptHost: path.join(dist, 'connector-host', 'intercept.mjs'),
    serverDoor: path.join(dist, 'connector-host', 'door.mjs'),
    launcher: path.join(dist, 'main', process.platform === 'win32' ? 'launcher-windows.mjs' : 'launcher.mjs'),
    proxyScriptHost: {
      host: path.join(dist, 'connector-host', 'pac.mjs'),
      interpreter: path.join(dist, 'pac', 'quickjs.wasm'),
    },
    connectors: path.join(dist, 'connectors'),
    postures: path.join(dist, 'postures'),
  };
}
