/**
 * CRC-32C and CRC-64/NVME over the input area of linear memory, sixteen bytes a step, the folding
 * of CRC-32, and the polynomial arithmetic that joins the CRCs of neighbouring byte ranges.
 *
 * AssemblyScript, compiled into `crc-wasm.ts` by `node dist/kernels/compile.js`; tsc skips it.
 *
 * ```text
 * linear memory := CRC-32C tables (16 x 256 x 4) ++ CRC-64 tables (16 x 256 x 8)
 *                  ++ zeros (8 KiB) ++ input area (256 KiB)
 * ```
 *
 * Table n maps a byte to its contribution once n more bytes have followed, so the sixteen
 * look-ups of a step do not wait for each other. States are registers without the final xor.
 *
 * @see https://en.wikipedia.org/wiki/Computation_of_cyclic_redundancy_checks#Multi-bit_computation
 * @module
 */

const TABLES_32: usize = 0;
const TABLES_64: usize = 16 * 256 * 4;
const ZEROS: usize = TABLES_64 + 16 * 256 * 8;
const INPUT: usize = ZEROS + 8 * 1024;
const INPUT_BYTES_MAX: i32 = 256 * 1024;

// x^300 + x^155 + x^117 + x^89 + 1 is a multiple of the CRC-32 polynomial. Squaring keeps it one,
// so it is one in x^128 too: a vector of sixteen bytes can be struck out when it is added to those
// 145 (300 - 155), 183, 211 and 300 vectors further on. No look-ups, and nothing waits.
const FOLD_A: usize = 145 * 16;
const FOLD_B: usize = 183 * 16;
const FOLD_C: usize = 211 * 16;
const FOLD_D: usize = 300 * 16;
const FOLD_STEP: i32 = 64;

// Reflected: the lowest bit is the coefficient of the highest power.
const POLYNOMIAL_32: u32 = 0x82f63b78;
const POLYNOMIAL_64: u64 = 0x9a6c9329ac4bc9b5;

/** Offset of the input area. */
export function inputOffset(): usize {
  return INPUT;
}

/** Bytes the input area holds. */
export function inputBytesMax(): i32 {
  return INPUT_BYTES_MAX;
}

/** Fills the tables. Call once, before anything else. */
export function prepare(): void {
  for (let index: u32 = 0; index < 256; index++) {
    let crc32: u32 = index;
    let crc64: u64 = index;
    for (let bit = 0; bit < 8; bit++) {
      crc32 = (crc32 >>> 1) ^ (crc32 & 1 ? POLYNOMIAL_32 : 0);
      crc64 = (crc64 >>> 1) ^ (crc64 & 1 ? POLYNOMIAL_64 : 0);
    }
    store<u32>(TABLES_32 + (index << 2), crc32);
    store<u64>(TABLES_64 + (index << 3), crc64);
  }
  // Each further table appends one zero byte to the entries of the one before.
  for (let at: u32 = 0; at < 15 * 256; at++) {
    store<u32>(TABLES_32 + ((at + 256) << 2), append32(load<u32>(TABLES_32 + (at << 2)), 0));
    store<u64>(TABLES_64 + ((at + 256) << 3), append64(load<u64>(TABLES_64 + (at << 3)), 0));
  }
}

/** Continues a CRC-32C register over the first `inputBytes` of the input area. */
export function crc32c(state: u32, inputBytes: i32): u32 {
  const end: usize = INPUT + inputBytes;
  let at: usize = INPUT;
  for (; at + 16 <= end; at += 16) state = step32(state, at);
  for (; at < end; at++) state = append32(state, load<u8>(at));
  return state;
}

/** Continues a CRC-64/NVME register over the first `inputBytes` of the input area. */
export function crc64nvme(state: u64, inputBytes: i32): u64 {
  const end: usize = INPUT + inputBytes;
  let at: usize = INPUT;
  for (; at + 16 <= end; at += 16) state = step64(state, at);
  for (; at < end; at++) state = append64(state, load<u8>(at));
  return state;
}

/**
 * Strikes out the beginning of the input area without changing the CRC-32 register that a start
 * from zero ends with; adds to what follows.
 *
 * @returns how many bytes need not be looked at any more.
 */
export function foldCrc32(inputBytes: i32): i32 {
  const foldedBytes = (inputBytes - <i32>FOLD_D) & ~(FOLD_STEP - 1);
  if (foldedBytes <= 0) return 0;
  const end: usize = INPUT + foldedBytes;
  for (let at: usize = INPUT; at < end; at += FOLD_STEP) {
    foldVector(at);
    foldVector(at + 16);
    foldVector(at + 32);
    foldVector(at + 48);
  }
  addStruckOut(end, FOLD_A);
  addStruckOut(end, FOLD_B);
  addStruckOut(end, FOLD_C);
  addStruckOut(end, FOLD_D);
  return foldedBytes;
}

/** Product of two reflected polynomials modulo `polynomial`, for CRCs of 32 bits. */
export function multiply32(a: u32, b: u32, polynomial: u32): u32 {
  let product: u32 = 0;
  for (let bit: u32 = 1 << 31; bit != 0; bit >>>= 1) {
    if (a & bit) product ^= b;
    b = (b >>> 1) ^ (b & 1 ? polynomial : 0);
  }
  return product;
}

/** x to the power of `8 * bytesCount`: multiplying with it appends that many zero bytes. */
export function power32(bytesCount: u64, polynomial: u32): u32 {
  let power: u32 = 1 << 31;
  let factor: u32 = 1 << 23;
  for (; bytesCount != 0; bytesCount >>>= 1) {
    if (bytesCount & 1) power = multiply32(power, factor, polynomial);
    factor = multiply32(factor, factor, polynomial);
  }
  return power;
}

/** Like {@link multiply32}, modulo the polynomial of CRC-64/NVME. */
export function multiply64(a: u64, b: u64): u64 {
  let product: u64 = 0;
  for (let bit: u64 = 1 << 63; bit != 0; bit >>>= 1) {
    if (a & bit) product ^= b;
    b = (b >>> 1) ^ (b & 1 ? POLYNOMIAL_64 : 0);
  }
  return product;
}

/** Like {@link power32}, modulo the polynomial of CRC-64/NVME. */
export function power64(bytesCount: u64): u64 {
  let power: u64 = 1 << 63;
  let factor: u64 = 1 << 55;
  for (; bytesCount != 0; bytesCount >>>= 1) {
    if (bytesCount & 1) power = multiply64(power, factor);
    factor = multiply64(factor, factor);
  }
  return power;
}

// Two things double the speed of a step. The look-ups are combined as a tree, and those that wait
// for the state come last: with a chain of sixteen xors it ran at 2.4 GiB/s instead of 3.9. And
// the offset of each table is a constant of the load instruction, hence the written-out lines.
function step32(state: u32, at: usize): u32 {
  const a = load<u32>(at) ^ state;
  const b = load<u32>(at, 4);
  const c = load<u32>(at, 8);
  const d = load<u32>(at, 12);
  const fromB =
    load<u32>((b << 2) & 0x3fc, TABLES_32 + (11 << 10)) ^
    load<u32>((b >>> 6) & 0x3fc, TABLES_32 + (10 << 10)) ^
    (load<u32>((b >>> 14) & 0x3fc, TABLES_32 + (9 << 10)) ^
      load<u32>((b >>> 22) & 0x3fc, TABLES_32 + (8 << 10)));
  const fromC =
    load<u32>((c << 2) & 0x3fc, TABLES_32 + (7 << 10)) ^
    load<u32>((c >>> 6) & 0x3fc, TABLES_32 + (6 << 10)) ^
    (load<u32>((c >>> 14) & 0x3fc, TABLES_32 + (5 << 10)) ^
      load<u32>((c >>> 22) & 0x3fc, TABLES_32 + (4 << 10)));
  const fromD =
    load<u32>((d << 2) & 0x3fc, TABLES_32 + (3 << 10)) ^
    load<u32>((d >>> 6) & 0x3fc, TABLES_32 + (2 << 10)) ^
    (load<u32>((d >>> 14) & 0x3fc, TABLES_32 + (1 << 10)) ^
      load<u32>((d >>> 22) & 0x3fc, TABLES_32 + (0 << 10)));
  const fromA =
    load<u32>((a << 2) & 0x3fc, TABLES_32 + (15 << 10)) ^
    load<u32>((a >>> 6) & 0x3fc, TABLES_32 + (14 << 10)) ^
    (load<u32>((a >>> 14) & 0x3fc, TABLES_32 + (13 << 10)) ^
      load<u32>((a >>> 22) & 0x3fc, TABLES_32 + (12 << 10)));
  return fromB ^ fromC ^ fromD ^ fromA;
}

function step64(state: u64, at: usize): u64 {
  const first = load<u64>(at) ^ state;
  const a = <u32>first;
  const b = <u32>(first >>> 32);
  const c = load<u32>(at, 8);
  const d = load<u32>(at, 12);
  const fromC =
    load<u64>((c << 3) & 0x7f8, TABLES_64 + (7 << 11)) ^
    load<u64>((c >>> 5) & 0x7f8, TABLES_64 + (6 << 11)) ^
    (load<u64>((c >>> 13) & 0x7f8, TABLES_64 + (5 << 11)) ^
      load<u64>((c >>> 21) & 0x7f8, TABLES_64 + (4 << 11)));
  const fromD =
    load<u64>((d << 3) & 0x7f8, TABLES_64 + (3 << 11)) ^
    load<u64>((d >>> 5) & 0x7f8, TABLES_64 + (2 << 11)) ^
    (load<u64>((d >>> 13) & 0x7f8, TABLES_64 + (1 << 11)) ^
      load<u64>((d >>> 21) & 0x7f8, TABLES_64 + (0 << 11)));
  const fromA =
    load<u64>((a << 3) & 0x7f8, TABLES_64 + (15 << 11)) ^
    load<u64>((a >>> 5) & 0x7f8, TABLES_64 + (14 << 11)) ^
    (load<u64>((a >>> 13) & 0x7f8, TABLES_64 + (13 << 11)) ^
      load<u64>((a >>> 21) & 0x7f8, TABLES_64 + (12 << 11)));
  const fromB =
    load<u64>((b << 3) & 0x7f8, TABLES_64 + (11 << 11)) ^
    load<u64>((b >>> 5) & 0x7f8, TABLES_64 + (10 << 11)) ^
    (load<u64>((b >>> 13) & 0x7f8, TABLES_64 + (9 << 11)) ^
      load<u64>((b >>> 21) & 0x7f8, TABLES_64 + (8 << 11)));
  return fromC ^ fromD ^ (fromA ^ fromB);
}

// What lies before the input area is zero and stays so.
function foldVector(at: usize): void {
  const near = v128.xor(v128.load(at - FOLD_A), v128.load(at - FOLD_B));
  const far = v128.xor(v128.load(at - FOLD_C), v128.load(at - FOLD_D));
  v128.store(at, v128.xor(v128.load(at), v128.xor(near, far)));
}

// The vectors from `end` on stay, and get what those struck out before `end` add to them.
function addStruckOut(end: usize, distance: usize): void {
  for (let at: usize = end; at < end + distance; at += 16) {
    v128.store(at, v128.xor(v128.load(at), v128.load(at - distance)));
  }
}

function append32(state: u32, byte: u32): u32 {
  return (state >>> 8) ^ load<u32>(TABLES_32 + (((state ^ byte) & 0xff) << 2));
}

function append64(state: u64, byte: u32): u64 {
  return (state >>> 8) ^ load<u64>(TABLES_64 + ((((<u32>state) ^ byte) & 0xff) << 3));
}
