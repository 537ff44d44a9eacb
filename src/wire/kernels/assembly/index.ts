// The kernels, compiled to WebAssembly with SIMD by scripts/lib/kernels.mjs. Each has a twin in plain
// TypeScript beside this folder, and works in the memory that ../layout.ts describes.

export { fold, sum } from './checksum';
export { merge, mergeReset } from './merge';
export { split } from './split';
