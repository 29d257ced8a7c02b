# mypy: disable-error-code=no-untyped-def
# ruff: noqa: ANN001, ANN202 - the types of numba functions are in their docstrings.
"""Compiled decoder of raw DEFLATE streams (RFC 1951) of known length.

Label and prediction grids shrink to a twentieth of their size, so nearly all of the work is copying of long matches;
here matches are filled and copied in vector loads instead of byte by byte.
"""

import numba
import numpy as np

from .words import load_word, store_word

_FAST_BITS = 11
_FAST_SIZE = 1 << _FAST_BITS
_END_OF_BLOCK = 256
_SLACK = 16

_LENGTH_BASE = np.array(
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258],
    np.int64,
)
_LENGTH_BITS = np.array(
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0], np.int64
)
_DIST_BITS = np.array([0, 0] + [i // 2 for i in range(28)], np.int64)
_DIST_BASE = np.concatenate([[1], 1 + np.cumsum(1 << _DIST_BITS)[:-1]]).astype(np.int64)
_CODE_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15], np.int64)

_OK, _TRUNCATED, _BAD_BLOCK, _BAD_CODE, _BAD_DISTANCE, _WRONG_LENGTH = range(6)
_MESSAGES = {
    _TRUNCATED: 'compressed data ends too early',
    _BAD_BLOCK: 'invalid block',
    _BAD_CODE: 'invalid code',
    _BAD_DISTANCE: 'invalid distance',
    _WRONG_LENGTH: 'unpacked length differs from the directory',
}


@numba.njit(nogil=True, cache=True)
def _build_code(lengths, fast, counts, symbols):
    """Prepare decoding of a canonical Huffman code; whether the lengths are a code.

    Args:
        lengths (np.ndarray): Bits of each symbol, 0 for absent ones. Int64.
        fast (np.ndarray): Filled: for the next 11 bits, 16 * symbol + bits, or 0 for longer codes. Uint16.
        counts (np.ndarray): Filled: number of codes of each length. Shape (16,), int64.
        symbols (np.ndarray): Filled: symbols ordered by code. Int64.
    """
    counts[:] = 0
    for n in lengths:
        counts[n] += 1
    total = len(lengths) - counts[0]
    counts[0] = 0
    left = 1
    for n in range(1, 16):
        left = 2 * left - counts[n]
        if left < 0:
            return False
    if left > 0 and total > 1:
        return False
    offsets = np.zeros(17, np.int64)
    codes = np.zeros(17, np.int64)
    for n in range(1, 16):
        offsets[n + 1] = offsets[n] + counts[n]
        codes[n + 1] = (codes[n] + counts[n]) << 1
    fast[:] = 0
    for symbol in range(len(lengths)):
        n = lengths[symbol]
        if n == 0:
            continue
        symbols[offsets[n]] = symbol
        offsets[n] += 1
        code = codes[n]
        codes[n] += 1
        if n <= _FAST_BITS:
            reverse = 0
            for bit in range(n):
                reverse |= ((code >> bit) & 1) << (n - 1 - bit)
            for slot in range(reverse, _FAST_SIZE, 1 << n):
                fast[slot] = 16 * symbol + n
    return True


@numba.njit(nogil=True, cache=True)
def _slow_symbol(buffer, counts, symbols):
    """Decode bit by bit: 16 * symbol + bits, or 0 when there is no such code."""
    code, first, index = 0, 0, 0
    for n in range(1, 16):
        code |= int(buffer & np.uint64(1))
        buffer >>= np.uint64(1)
        count = counts[n]
        if code - count < first:
            return 16 * symbols[index + (code - first)] + n
        index += count
        first = (first + count) << 1
        code <<= 1
    return 0


@numba.njit(nogil=True, cache=True)
def _refill(data, position, buffer, bits):
    """Fill the buffer to at least 49 bits; zeros follow the end of the data."""
    if position + 8 <= len(data):
        buffer |= load_word(data, position) << np.uint64(bits)
        taken = (63 - bits) >> 3
        return position + taken, buffer, bits + 8 * taken
    while bits <= 48:
        if position < len(data):
            buffer |= np.uint64(data[position]) << np.uint64(bits)
        position += 1
        bits += 8
    return position, buffer, bits


@numba.njit(nogil=True, cache=True)
def _read_codes(data, position, buffer, bits, lengths, fast, counts, symbols):
    """Read the two code descriptions of a dynamic block into ``lengths``; sizes are -1 when they are wrong."""
    position, buffer, bits = _refill(data, position, buffer, bits)
    literals = int(buffer & np.uint64(31)) + 257
    distances = int((buffer >> np.uint64(5)) & np.uint64(31)) + 1
    groups = int((buffer >> np.uint64(10)) & np.uint64(15)) + 4
    buffer >>= np.uint64(14)
    bits -= 14
    lengths[:] = 0
    for i in range(groups):
        position, buffer, bits = _refill(data, position, buffer, bits)
        lengths[_CODE_ORDER[i]] = int(buffer & np.uint64(7))
        buffer >>= np.uint64(3)
        bits -= 3
    if literals > 286 or distances > 30 or not _build_code(lengths[:19].copy(), fast, counts, symbols):
        return position, buffer, bits, -1, -1
    lengths[:] = 0
    i = 0
    while i < literals + distances:
        position, buffer, bits = _refill(data, position, buffer, bits)
        entry = int(fast[int(buffer & np.uint64(_FAST_SIZE - 1))])
        if entry == 0 or position > len(data) + 8:
            return position, buffer, bits, -1, -1
        symbol, used = entry >> 4, entry & 15
        buffer >>= np.uint64(used)
        bits -= used
        if symbol < 16:
            lengths[i] = symbol
            i += 1
            continue
        extra, base = (2, 3) if symbol == 16 else ((3, 3) if symbol == 17 else (7, 11))
        repeat = base + int(buffer & np.uint64((1 << extra) - 1))
        buffer >>= np.uint64(extra)
        bits -= extra
        if i + repeat > literals + distances or (symbol == 16 and i == 0):
            return position, buffer, bits, -1, -1
        value = lengths[i - 1] if symbol == 16 else 0
        lengths[i : i + repeat] = value
        i += repeat
    return position, buffer, bits, literals, distances


@numba.njit(nogil=True, cache=True)
def _copy_match(out, at, distance, length):
    """Repeat what was written ``distance`` bytes ago, eight bytes at a time; up to 15 bytes behind it may change."""
    end = at + length
    if distance == 1:
        word = np.uint64(out[at - 1]) * np.uint64(0x0101010101010101)
        while at < end:
            store_word(out, at, word)
            store_word(out, at + 8, word)
            at += 16
        return
    if distance < 8:
        # One period of at least eight bytes by hand; from there on a word never reads what it writes.
        period = distance * ((7 + distance) // distance)
        for i in range(min(period, length)):
            out[at + i] = out[at + i - distance]
        at += period
        distance = period
    while at < end:
        store_word(out, at, load_word(out, at - distance))
        at += 8


@numba.njit(nogil=True, cache=True)
def _inflate(data, out, size):
    """Decode ``data`` into the first ``size`` bytes of ``out``, which has room for a little more; a status."""
    lit_fast, dist_fast = np.zeros(_FAST_SIZE, np.uint16), np.zeros(_FAST_SIZE, np.uint16)
    lit_counts, dist_counts = np.zeros(16, np.int64), np.zeros(16, np.int64)
    lit_symbols, dist_symbols = np.zeros(320, np.int64), np.zeros(32, np.int64)
    lengths = np.zeros(320, np.int64)
    position, buffer, bits, at = 0, np.uint64(0), 0, 0
    last = False
    while not last:
        position, buffer, bits = _refill(data, position, buffer, bits)
        last = (buffer & np.uint64(1)) == 1
        kind = int((buffer >> np.uint64(1)) & np.uint64(3))
        buffer >>= np.uint64(3)
        bits -= 3
        if kind == 3:
            return _BAD_BLOCK
        if kind == 0:
            position -= bits // 8  # back to the first whole byte that was not used
            if position + 4 > len(data):
                return _TRUNCATED
            stored = int(data[position]) | int(data[position + 1]) << 8
            if stored ^ (int(data[position + 2]) | int(data[position + 3]) << 8) != 0xFFFF:
                return _BAD_BLOCK
            position += 4
            if position + stored > len(data):
                return _TRUNCATED
            if at + stored > size:
                return _WRONG_LENGTH
            out[at : at + stored] = data[position : position + stored]
            position, at, buffer, bits = position + stored, at + stored, np.uint64(0), 0
            continue
        if kind == 1:
            lengths[:144], lengths[144:256], lengths[256:280], lengths[280:288] = 8, 9, 7, 8
            literals, distances = 288, 30
            lengths[288:318] = 5
        else:
            position, buffer, bits, literals, distances = _read_codes(
                data, position, buffer, bits, lengths, lit_fast, lit_counts, lit_symbols
            )
            if literals < 0:
                return _BAD_CODE
        dist_lengths = lengths[literals : literals + distances].copy()
        if not _build_code(lengths[:literals].copy(), lit_fast, lit_counts, lit_symbols):
            return _BAD_CODE
        if kind == 2 and not _build_code(dist_lengths, dist_fast, dist_counts, dist_symbols):
            return _BAD_CODE
        if kind == 1:
            _build_code(np.full(32, 5), dist_fast, dist_counts, dist_symbols)
        while True:
            if bits < 48:  # the longest pair of length and distance
                position, buffer, bits = _refill(data, position, buffer, bits)
                if position > len(data) + 8:
                    return _TRUNCATED
            entry = int(lit_fast[int(buffer & np.uint64(_FAST_SIZE - 1))])
            if entry == 0:
                entry = _slow_symbol(buffer, lit_counts, lit_symbols)
                if entry == 0:
                    return _BAD_CODE
            symbol, used = entry >> 4, entry & 15
            buffer >>= np.uint64(used)
            bits -= used
            if symbol < 256:
                if at >= size:
                    return _WRONG_LENGTH
                out[at] = symbol
                at += 1
                continue
            if symbol == _END_OF_BLOCK:
                break
            symbol -= 257
            if symbol >= 29:
                return _BAD_CODE
            extra = _LENGTH_BITS[symbol]
            length = _LENGTH_BASE[symbol] + int(buffer & np.uint64((1 << extra) - 1))
            buffer >>= np.uint64(extra)
            bits -= extra
            entry = int(dist_fast[int(buffer & np.uint64(_FAST_SIZE - 1))])
            if entry == 0:
                entry = _slow_symbol(buffer, dist_counts, dist_symbols)
                if entry == 0:
                    return _BAD_CODE
            symbol, used = entry >> 4, entry & 15
            if symbol >= 30:
                return _BAD_CODE
            buffer >>= np.uint64(used)
            extra = _DIST_BITS[symbol]
            distance = _DIST_BASE[symbol] + int(buffer & np.uint64((1 << extra) - 1))
            buffer >>= np.uint64(extra)
            bits -= used + extra
            if distance > at:
                return _BAD_DISTANCE
            if at + length > size:
                return _WRONG_LENGTH
            _copy_match(out, at, distance, length)
            at += length
    if position - bits // 8 > len(data):
        return _TRUNCATED
    return _OK if at == size else _WRONG_LENGTH


def inflate(data: np.ndarray, size: int) -> np.ndarray:
    """Unpack a raw DEFLATE stream.

    Args:
        data (np.ndarray): The stream. Uint8.
        size (int): Number of bytes that it unpacks to.

    Returns:
        np.ndarray: Shape (size,), uint8.

    Raises:
        ValueError: If the stream is damaged or unpacks to another number of bytes.
    """
    out = np.empty(size + _SLACK, np.uint8)
    status = _inflate(data, out, size)
    if status != _OK:
        raise ValueError(_MESSAGES[status])
    return out[:size]
