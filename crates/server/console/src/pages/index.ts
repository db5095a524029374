// The pages that the first load does not need: a bundle of its own, fetched when one of them is wanted, or the pointer is on its way.
export { Incidents } from './incidents';
export { IncidentPage } from './incident';
export { Hunting } from './hunting';
export { Recommendations } from './recommendations';
export { Inventory } from './inventory';
export { Gate } from './gate';
export { Content } from './content';
export { Settings } from './settings';
