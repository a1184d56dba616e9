// The map as a self-contained page, which `voxlet explore` writes.

import { t } from './texts.js';
import { render } from './vendor/preact.js';
import { html } from './view/html.js';
import { Atlas } from './map/atlas.js';
import { offer } from './map/state.js';
import { MapView } from './map/view.js';

const models = JSON.parse(document.getElementById('maps').textContent);
const titles = models.map(({ name }) => name).join(t('and'));

render(
  html`<header>
      <h1><span>vox</span>let</h1>
      <p class="place">${t('mapSubject', { names: titles })}</p>
    </header>
    <main><${MapView} /></main>`,
  document.getElementById('voxlet'),
);
offer(models.map((data) => ({ name: data.name, open: async () => new Atlas(data) })), models[1]?.name);
