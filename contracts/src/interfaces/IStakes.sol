// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What other contracts ask of the stakes
interface IStakes {
    /// @notice What works for the node now: staked, not unbonding.
    function stakedOf(bytes32 nodeId) external view returns (uint256);

    /// @notice Everything of the node that lies here: staked, unbonding, matured and not yet withdrawn, rewards.
    function heldOf(bytes32 nodeId) external view returns (uint256);

    /// @notice Whether the node has the least stake that paid work asks for.
    function isActive(bytes32 nodeId) external view returns (bool);
}
