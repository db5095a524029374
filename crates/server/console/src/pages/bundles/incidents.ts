export { Incidents } from '../incidents';
export { IncidentPage } from '../incident';
