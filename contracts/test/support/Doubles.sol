// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFaultVerifier} from "../../src/interfaces/IFaultVerifier.sol";
import {IRewardSource} from "../../src/interfaces/IRewardSource.sol";

/// @dev Takes (fault id, share) at its word: what is tested with it is the stake, not the proof.
contract ScriptedFaults is IFaultVerifier {
    error NoFault();

    function verifyFault(bytes32, bytes calldata proof) external pure returns (bytes32 faultId, uint256 slashBps) {
        if (proof.length != 64) revert NoFault();
        return abi.decode(proof, (bytes32, uint256));
    }
}

/// @dev A contract account that signed one thing.
contract ContractAccount is IERC1271 {
    bytes32 private immutable SIGNED;

    constructor(bytes32 signed) {
        SIGNED = signed;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == SIGNED ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @dev Pays what it is asked for, or less where `shortBy` says so.
contract ScriptedRewards is IRewardSource {
    IERC20 private immutable TOKEN;
    uint256 public shortBy;

    constructor(IERC20 token) {
        TOKEN = token;
    }

    function setShortBy(uint256 amount) external {
        shortBy = amount;
    }

    function release(bytes32, uint256 amount, bytes calldata) external {
        require(TOKEN.transfer(msg.sender, amount - shortBy), "transfer");
    }
}
