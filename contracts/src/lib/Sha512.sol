// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title SHA-512 (FIPS 180-4), which the EVM has no precompile for
/// @dev About 60,000 gas for each 128 bytes. Pure: reads and writes memory of its own only.
library Sha512 {
    /// @dev The first 64 bits of the fractional parts of the cube roots of the first 80 primes.
    bytes private constant ROUNDS =
        hex"428a2f98d728ae227137449123ef65cdb5c0fbcfec4d3b2fe9b5dba58189dbbc3956c25bf348b53859f111f1b605d019923f82a4af194f9bab1c5ed5da6d8118"
        hex"d807aa98a303024212835b0145706fbe243185be4ee4b28c550c7dc3d5ffb4e272be5d74f27b896f80deb1fe3b1696b19bdc06a725c71235c19bf174cf692694"
        hex"e49b69c19ef14ad2efbe4786384f25e30fc19dc68b8cd5b5240ca1cc77ac9c652de92c6f592b02754a7484aa6ea6e4835cb0a9dcbd41fbd476f988da831153b5"
        hex"983e5152ee66dfaba831c66d2db43210b00327c898fb213fbf597fc7beef0ee4c6e00bf33da88fc2d5a79147930aa72506ca6351e003826f142929670a0e6e70"
        hex"27b70a8546d22ffc2e1b21385c26c9264d2c6dfc5ac42aed53380d139d95b3df650a73548baf63de766a0abb3c77b2a881c2c92e47edaee692722c851482353b"
        hex"a2bfe8a14cf10364a81a664bbc423001c24b8b70d0f89791c76c51a30654be30d192e819d6ef5218d69906245565a910f40e35855771202a106aa07032bbd1b8"
        hex"19a4c116b8d2d0c81e376c085141ab532748774cdf8eeb9934b0bcb5e19b48a8391c0cb3c5c95a634ed8aa4ae3418acb5b9cca4f7763e373682e6ff3d6b2b8a3"
        hex"748f82ee5defb2fc78a5636f43172f6084c87814a1f0ab728cc702081a6439ec90befffa23631e28a4506cebde82bde9bef9a3f7b2c67915c67178f2e372532b"
        hex"ca273eceea26619cd186b8c721c0c207eada7dd6cde0eb1ef57d4f7fee6ed17806f067aa72176fba0a637dc5a2c898a6113f9804bef90dae1b710b35131c471b"
        hex"28db77f523047d8432caab7b40c724933c9ebe0a15c9bebc431d67c49c100d4c4cc5d4becb3e42b6597f299cfc657e2a5fcb6fab3ad6faec6c44198c4a475817";

    /// @return high the first 32 bytes of the digest
    /// @return low the last 32 bytes
    function hash(bytes memory message) internal pure returns (bytes32 high, bytes32 low) {
        bytes memory padded = _pad(message);
        bytes memory rounds = ROUNDS;
        uint256 state;
        uint256 schedule;
        assembly ("memory-safe") {
            state := mload(0x40)
            schedule := add(state, 256)
            mstore(0x40, add(schedule, 2560))
            mstore(add(state, 0), 0x6a09e667f3bcc908)
            mstore(add(state, 32), 0xbb67ae8584caa73b)
            mstore(add(state, 64), 0x3c6ef372fe94f82b)
            mstore(add(state, 96), 0xa54ff53a5f1d36f1)
            mstore(add(state, 128), 0x510e527fade682d1)
            mstore(add(state, 160), 0x9b05688c2b3e6c1f)
            mstore(add(state, 192), 0x1f83d9abfb41bd6b)
            mstore(add(state, 224), 0x5be0cd19137e2179)
        }
        for (uint256 offset = 0; offset < padded.length; offset += 128) {
            _schedule(padded, offset, rounds, schedule);
            _compress(state, schedule);
        }
        assembly ("memory-safe") {
            function joined(from) -> word {
                word := or(or(shl(192, mload(from)), shl(128, mload(add(from, 32)))), or(shl(64, mload(add(from, 64))), mload(add(from, 96))))
            }
            high := joined(state)
            low := joined(add(state, 128))
        }
    }

    /// @dev One bit, zeros, and the length in bits as 128 bits: a multiple of 128 bytes.
    function _pad(bytes memory message) private pure returns (bytes memory) {
        uint256 zeros = (239 - (message.length % 128)) % 128;
        return abi.encodePacked(message, bytes1(0x80), new bytes(zeros), uint128(message.length * 8));
    }

    /// @dev W[t] for t < 80 at `schedule`, one word each; K[t] is added at the end, as only the sums are used in the rounds.
    function _schedule(bytes memory padded, uint256 offset, bytes memory rounds, uint256 schedule) private pure {
        assembly ("memory-safe") {
            let from := add(add(padded, 32), offset)
            for { let t := 0 } lt(t, 16) { t := add(t, 1) } { mstore(add(schedule, mul(t, 32)), shr(192, mload(add(from, mul(t, 8))))) }
            for { let to := add(schedule, 512) } lt(to, add(schedule, 2560)) { to := add(to, 32) } {
                // A word twice, side by side: shifted right and cut to 64 bits it is rotated.
                let x := mload(sub(to, 480))
                let y := mload(sub(to, 64))
                let xx := or(x, shl(64, x))
                let yy := or(y, shl(64, y))
                let small := and(xor(xor(shr(1, xx), shr(8, xx)), shr(7, x)), 0xffffffffffffffff)
                let large := and(xor(xor(shr(19, yy), shr(61, yy)), shr(6, y)), 0xffffffffffffffff)
                mstore(to, and(add(add(small, large), add(mload(sub(to, 512)), mload(sub(to, 224)))), 0xffffffffffffffff))
            }
            for { let t := 0 } lt(t, 80) { t := add(t, 1) } {
                let to := add(schedule, mul(t, 32))
                mstore(to, add(mload(to), shr(192, mload(add(add(rounds, 32), mul(t, 8))))))
            }
        }
    }

    function _compress(uint256 state, uint256 schedule) private pure {
        assembly ("memory-safe") {
            let a := mload(state)
            let b := mload(add(state, 32))
            let c := mload(add(state, 64))
            let d := mload(add(state, 96))
            let e := mload(add(state, 128))
            let f := mload(add(state, 160))
            let g := mload(add(state, 192))
            let h := mload(add(state, 224))
            for { let t := 0 } lt(t, 2560) { t := add(t, 32) } {
                let twice := or(e, shl(64, e))
                h := add(add(add(h, mload(add(schedule, t))), xor(and(e, f), and(not(e), g))), and(xor(xor(shr(14, twice), shr(18, twice)), shr(41, twice)), 0xffffffffffffffff))
                twice := or(a, shl(64, a))
                twice := add(and(xor(xor(shr(28, twice), shr(34, twice)), shr(39, twice)), 0xffffffffffffffff), xor(xor(and(a, b), and(a, c)), and(b, c)))
                // The names move on by one: what was h is the first sum, and becomes a.
                twice := and(add(twice, h), 0xffffffffffffffff)
                h := and(add(d, h), 0xffffffffffffffff)
                d := c
                c := b
                b := a
                a := twice
                twice := g
                g := f
                f := e
                e := h
                h := twice
            }
            a := and(add(a, mload(state)), 0xffffffffffffffff)
            b := and(add(b, mload(add(state, 32))), 0xffffffffffffffff)
            c := and(add(c, mload(add(state, 64))), 0xffffffffffffffff)
            d := and(add(d, mload(add(state, 96))), 0xffffffffffffffff)
            mstore(state, a)
            mstore(add(state, 32), b)
            mstore(add(state, 64), c)
            mstore(add(state, 96), d)
            mstore(add(state, 128), and(add(e, mload(add(state, 128))), 0xffffffffffffffff))
            mstore(add(state, 160), and(add(f, mload(add(state, 160))), 0xffffffffffffffff))
            mstore(add(state, 192), and(add(g, mload(add(state, 192))), 0xffffffffffffffff))
            mstore(add(state, 224), and(add(h, mload(add(state, 224))), 0xffffffffffffffff))
        }
    }
}
