export { Hunting } from '../hunting';
export { Content } from '../content';
export { Settings } from '../settings';
