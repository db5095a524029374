export { Content } from '../content';
export { Settings } from '../settings';
