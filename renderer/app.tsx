import { useEffect, useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { windowScreens, type WindowScreen, type WindowState } from '../main/contract/window.ts';
import { shell, useWindowState } from './bridge.ts';
import { Approvals } from './parts/approvals.tsx';
import { Banners } from './parts/banners.tsx';
import { Gate } from './parts/gate.tsx';
import { Calls } from './screens/calls.tsx';
import { Definitions } from './screens/definitions.tsx';
import { Overview } from './screens/overview.tsx';
import { Programs } from './screens/programs.tsx';
import { Protection } from './screens/protection.tsx';

const titles: Readonly<Record<WindowScreen, string>> = {
  overview: 'Overview',
  programs: 'Programs',
  definitions: 'Definitions',
  calls: 'Calls',
  protection: 'Protection',
};

export function App() {
  const state = useWindowState();
  const [screen, setScreen] = useState<WindowScreen>('overview');
  useEffect(() => shell.on('show', (body) => setScreen(body.screen)), []);
  const screens: Readonly<Record<WindowScreen, React.ReactNode>> = {
    overview: <Overview state={state} onShow={setScreen} />,
    programs: <Programs state={state} />,
    definitions: <Definitions state={state} />,
    calls: <Calls state={state} />,
    protection: <Protection state={state} />,
  };
  return (
    <Tabs
      className="frame"
      orientation="vertical"
      selectedKey={screen}
      onSelectionChange={(key) => setScreen(windowScreens.find((name) => name === key) ?? 'overview')}
    >
      <nav className="side" aria-label="Sallyport">
        <div className="brand">
          <Gate />
          <h1>Sallyport</h1>
        </div>
        <TabList className="screens" aria-label="Screens">
          {windowScreens.map((name) => (
            <Tab key={name} id={name} className="screen-tab">
              <span>{titles[name]}</span>
              <Badge state={state} screen={name} />
            </Tab>
          ))}
        </TabList>
        <Foot state={state} />
      </nav>
      <main className="content">
        <Banners state={state} />
        <Approvals approvals={state.approvals} />
        {windowScreens.map((name) => (
          <TabPanel key={name} id={name} className="panel">
            {screens[name]}
          </TabPanel>
        ))}
      </main>
    </Tabs>
  );
}

/** What a screen wants to be looked at for. */
function Badge({
  state: { status, protection },
  screen,
}: {
  readonly state: WindowState;
  readonly screen: WindowScreen;
}) {
  const counts: Partial<Record<WindowScreen, number>> = {
    programs: status?.programs.filter(({ decision }) => decision === 'waiting').length ?? 0,
    definitions: status?.definitions?.filter(({ state }) => state !== 'same' && state !== 'harmless').length ?? 0,
    protection: protection?.filter(({ level }) => level === 'failed').length ?? 0,
  };
  const number = counts[screen] ?? 0;
  if (number === 0) return null;
  const isFailure = screen === 'protection';
  return (
    <span className={`badge ${isFailure ? 'bad' : 'attention'}`}>
      {number}
      <span className="unseen"> {isFailure ? 'failed' : 'waiting for you'}</span>
    </span>
  );
}

function Foot({ state: { status, tray, failure } }: { readonly state: WindowState }) {
  return (
    <div className="foot">
      {!tray && <p>This desktop shows no tray icons, so this window stays: closing it minimizes it.</p>}
      <p>{status ? `Version ${status.version}` : failure === null ? 'Starting…' : 'Not running'}</p>
    </div>
  );
}
