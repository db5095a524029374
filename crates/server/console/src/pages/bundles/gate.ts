export { Gate } from '../gate';
