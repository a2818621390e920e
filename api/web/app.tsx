import { useEffect, useMemo, useState } from 'react';
import { useNetwork, type Network } from './network.ts';
import { StationList } from './station-list.tsx';
import { StationMap } from './station-map.tsx';
import { StationPanel } from './station-panel.tsx';
import { foldText, say, type Language } from '../page-words.ts';

function initialLanguage(): Language {
  const kept = localStorage.getItem('language');
  if (kept === 'vi' || kept === 'en') return kept;
  return navigator.language.startsWith('vi') ? 'vi' : 'en';
}

export function App() {
  const network = useNetwork();
  const [language, setLanguage] = useState<Language>(initialLanguage);
  const [chosen, setChosen] = useState<string | null>(null);
  const [search, setSearch] = useState('');

  useEffect(() => {
    document.documentElement.lang = language;
    document.title = `Quantrac · ${say(language, 'title')}`;
    localStorage.setItem('language', language);
  }, [language]);

  const shown = useMemo(() => {
    const sought = foldText(search);
    return network.stations
      .filter(({ id, name }) => foldText(`${id} ${name.vi} ${name.en}`).includes(sought))
      .toSorted((a, b) => a.name[language].localeCompare(b.name[language], language));
  }, [network.stations, search, language]);

  const station = network.stations.find(({ id }) => id === chosen);
  return (
    <>
      <a className="skip" href="#stations">
        {say(language, 'skip')}
      </a>
      <Masthead network={network} language={language} onLanguage={setLanguage} />
      <main>
        <StationMap
          network={network}
          stations={shown}
          language={language}
          chosen={chosen}
          onChoose={setChosen}
        />
        <section id="stations" aria-label={say(language, 'stations')}>
          <label>
            <span>{say(language, 'search')}</span>
            <input
              type="search"
              value={search}
              onChange={(event) => setSearch(event.target.value)}
            />
          </label>
          <StationList
            network={network}
            stations={shown}
            language={language}
            chosen={chosen}
            onChoose={setChosen}
          />
        </section>
        <section className="panel" aria-live="off">
          {station === undefined ? (
            <p className="hint">{say(language, 'choose')}</p>
          ) : (
            <StationPanel
              key={station.id}
              network={network}
              station={station}
              language={language}
              onClose={() => setChosen(null)}
            />
          )}
        </section>
      </main>
    </>
  );
}

interface MastheadProps {
  readonly network: Network;
  readonly language: Language;
  readonly onLanguage: (language: Language) => void;
}

function Masthead({ network, language, onLanguage }: MastheadProps) {
  const other = language === 'vi' ? 'en' : 'vi';
  const state = network.connected ? 'live' : 'offline';
  return (
    <header>
      <h1>
        Quantrac <span>{say(language, 'title')}</span>
      </h1>
      <p role="status" className={network.connected ? 'state live' : 'state'}>
        {say(language, network.state === 'loading' ? 'loading' : state)}
      </p>
      <a href="/api/v1/">{say(language, 'openData')}</a>
      <a href={`/doc/contents.${language}.html`}>{say(language, 'contents')}</a>
      <button
        type="button"
        lang={other}
        aria-label={say(language, 'languageLabel')}
        onClick={() => onLanguage(other)}
      >
        {say(language, 'language')}
      </button>
    </header>
  );
}
