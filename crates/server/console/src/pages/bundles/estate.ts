export { Recommendations } from '../recommendations';
export { Inventory } from '../inventory';
