export { Hunting } from '../hunting';
