// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Sha512} from "./Sha512.sol";

/// @title Ed25519 signatures (RFC 8032), as libp2p identities make them
/// @notice About 500,000 gas a signature of a short message. Strict: S below the group's order, no other encodings of a point, no keys of
/// small order; the equation without the cofactor, R compared as bytes.
/// @dev Points in extended twisted Edwards coordinates (X : Y : Z : T), x = X/Z, y = Y/Z, xy = T/Z (Hisil, Wong, Carter, Dawson 2008).
library Ed25519 {
    uint256 private constant P = 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed;
    /// @dev Order of the base point.
    uint256 private constant L = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed;
    uint256 private constant D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3;
    uint256 private constant SQRT_MINUS_ONE = 0x2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0;
    uint256 private constant BASE_X = 0x216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a;
    uint256 private constant BASE_Y = 0x6666666666666666666666666666666666666666666666666666666666666658;
    uint256 private constant SIGN = 1 << 255;
    /// @dev 2^256 mod L.
    uint256 private constant TWO_256_MOD_L = 0xffffffffffffffffffffffffffffffec6ef5bf4737dcf70d6ec31748d98951d;

    struct Point {
        uint256 x;
        uint256 y;
        uint256 z;
        uint256 t;
    }

    /// @param key the 32 bytes of the public key, as in a libp2p peer id
    /// @param r the first half of the signature
    /// @param s the second half
    function verify(bytes32 key, bytes32 r, bytes32 s, bytes memory message) internal view returns (bool) {
        uint256 scalar = _reversed(uint256(s));
        if (scalar >= L) return false;
        (bool isPoint, Point memory negated) = _negatedPoint(_reversed(uint256(key)));
        if (!isPoint || _isSmall(negated)) return false;
        (bytes32 high, bytes32 low) = Sha512.hash(abi.encodePacked(r, key, message));
        uint256 challenge = addmod(_reversed(uint256(high)), mulmod(_reversed(uint256(low)), TWO_256_MOD_L, L), L);
        return _encoded(_sum(scalar, challenge, negated)) == _reversed(uint256(r));
    }

    /// @dev The point of a key, its x negated; false where the bytes are none.
    function _negatedPoint(uint256 encoded) private view returns (bool, Point memory point) {
        uint256 y = encoded & ~SIGN;
        if (y >= P) return (false, point);
        uint256 square = mulmod(y, y, P);
        uint256 u = addmod(square, P - 1, P);
        uint256 v = addmod(mulmod(D, square, P), 1, P);
        (bool isSquare, uint256 x) = _root(u, v);
        // Zero has no sign.
        if (!isSquare || (x == 0 && encoded & SIGN != 0)) return (false, point);
        if ((x & 1 == 1) == (encoded & SIGN != 0)) x = P - x;
        point = Point(x, y, 1, mulmod(x, y, P));
        return (true, point);
    }

    /// @dev x with x^2 = u / v, after RFC 8032, 5.1.3.
    function _root(uint256 u, uint256 v) private view returns (bool, uint256 x) {
        uint256 v3 = mulmod(mulmod(v, v, P), v, P);
        uint256 v7 = mulmod(mulmod(v3, v3, P), v, P);
        x = mulmod(mulmod(u, v3, P), _power(mulmod(u, v7, P), (P - 5) / 8), P);
        uint256 got = mulmod(v, mulmod(x, x, P), P);
        if (got == u) return (true, x);
        return (got == P - u, mulmod(x, SQRT_MINUS_ONE, P));
    }

    /// @dev scalar * B + challenge * point, both at once (Shamir's trick).
    function _sum(uint256 scalar, uint256 challenge, Point memory point) private pure returns (Point memory sum) {
        Point memory base = Point(BASE_X, BASE_Y, 1, mulmod(BASE_X, BASE_Y, P));
        Point memory both = Point(BASE_X, BASE_Y, 1, base.t);
        _add(both, point);
        sum = Point(0, 1, 1, 0);
        for (uint256 bit = 1 << 252; bit > 0; bit >>= 1) {
            _double(sum);
            if (scalar & bit != 0) _add(sum, challenge & bit != 0 ? both : base);
            else if (challenge & bit != 0) _add(sum, point);
        }
    }

    /// @dev add-2008-hwcd-3: to `a`; complete, so that equal points and the neutral one need no case.
    function _add(Point memory a, Point memory b) private pure {
        assembly ("memory-safe") {
            let p := 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed
            let m := mulmod(add(mload(add(a, 32)), sub(p, mload(a))), add(mload(add(b, 32)), sub(p, mload(b))), p)
            let n := mulmod(add(mload(add(a, 32)), mload(a)), add(mload(add(b, 32)), mload(b)), p)
            let c := mulmod(mulmod(mload(add(a, 96)), mload(add(b, 96)), p), 0x2406d9dc56dffce7198e80f2eef3d13000e0149a8283b156ebd69b9426b2f159, p)
            let d := mulmod(add(mload(add(a, 64)), mload(add(a, 64))), mload(add(b, 64)), p)
            let e := addmod(n, sub(p, m), p)
            let f := addmod(d, sub(p, c), p)
            let g := addmod(d, c, p)
            let h := addmod(n, m, p)
            mstore(a, mulmod(e, f, p))
            mstore(add(a, 32), mulmod(g, h, p))
            mstore(add(a, 64), mulmod(f, g, p))
            mstore(add(a, 96), mulmod(e, h, p))
        }
    }

    /// @dev dbl-2008-hwcd with a = -1, all signs turned: a becomes 2a.
    function _double(Point memory a) private pure {
        assembly ("memory-safe") {
            let p := 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed
            let x := mload(a)
            let y := mload(add(a, 32))
            let xx := mulmod(x, x, p)
            let yy := mulmod(y, y, p)
            let zz := mulmod(mload(add(a, 64)), mload(add(a, 64)), p)
            let h := addmod(xx, yy, p)
            let e := addmod(h, sub(p, mulmod(add(x, y), add(x, y), p)), p)
            let g := addmod(xx, sub(p, yy), p)
            let f := addmod(addmod(zz, zz, p), g, p)
            mstore(a, mulmod(e, f, p))
            mstore(add(a, 32), mulmod(g, h, p))
            mstore(add(a, 64), mulmod(f, g, p))
            mstore(add(a, 96), mulmod(e, h, p))
        }
    }

    /// @dev Whether eight times the point is nothing: such a key signs everything.
    function _isSmall(Point memory point) private pure returns (bool) {
        Point memory eightfold = Point(point.x, point.y, point.z, point.t);
        _double(eightfold);
        _double(eightfold);
        _double(eightfold);
        return eightfold.x == 0;
    }

    /// @dev As the 32 bytes of RFC 8032, read as a number with the last byte first.
    function _encoded(Point memory point) private view returns (uint256) {
        uint256 inverse = _power(point.z, P - 2);
        return mulmod(point.y, inverse, P) | ((mulmod(point.x, inverse, P) & 1) << 255);
    }

    /// @dev base^exponent mod P by the precompile at 5 (EIP-198).
    function _power(uint256 base, uint256 exponent) private view returns (uint256 result) {
        bool done;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 32)
            mstore(add(free, 32), 32)
            mstore(add(free, 64), 32)
            mstore(add(free, 96), base)
            mstore(add(free, 128), exponent)
            mstore(add(free, 160), 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed)
            done := staticcall(gas(), 5, free, 192, free, 32)
            result := mload(free)
        }
        // It fails only without gas, and then the caller must not take what lies in memory for a result.
        assert(done);
    }

    /// @dev The bytes of a word in the other order.
    function _reversed(uint256 v) private pure returns (uint256) {
        v = ((v & 0xff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00) >> 8) | ((v & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff) << 8);
        v = ((v & 0xffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000) >> 16) | ((v & 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff) << 16);
        v = ((v & 0xffffffff00000000ffffffff00000000ffffffff00000000ffffffff00000000) >> 32) | ((v & 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff) << 32);
        v = ((v & 0xffffffffffffffff0000000000000000ffffffffffffffff0000000000000000) >> 64) | ((v & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff) << 64);
        return (v >> 128) | (v << 128);
    }
}
