import { useEffect, useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { windowScreens, type WindowScreen, type WindowState } from '../main/contract/window.ts';
import { shell, useWindowState } from './bridge.ts';
import { Approvals } from './parts/approvals.tsx';
import { Banners } from './parts/banners.tsx';
import { Gate } from './parts/gate.tsx';
import { Calls } from './screens/calls.tsx';
import { Overview } from './screens/overview.tsx';
import { Programs } from './screens/programs.tsx';
import { Protection } from './screens/protection.tsx';

const titles: Readonly<Record<WindowScreen, string>> = {
  overview: 'Overview',
  programs: 'Programs',
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
function Badge({ state, screen }: { readonly state: WindowState; readonly screen: WindowScreen }) {
  const waiting = state.status?.programs.filter(({ decision }) => decision === 'waiting').length ?? 0;
  const failed = state.protection?.filter(({ level }) => level === 'failed').length ?? 0;
  const number = screen === 'programs' ? waiting : screen === 'protection' ? failed : 0;
  if (number === 0) return null;
  const says = screen === 'programs' ? 'waiting for you' : 'failed';
  return (
    <span className={`badge ${screen === 'programs' ? 'attention' : 'bad'}`}>
      {number}
      <span className="unseen"> {says}</span>
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
