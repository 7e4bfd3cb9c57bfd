// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What other contracts ask of the settlement
interface ISettlement {
    /// @notice Who pays; zero where there is no such session.
    function payerOf(bytes32 sessionId) external view returns (address);

    /// @notice When no further voucher is taken and claims begin; 0 where there is no such session.
    function finalAtOf(bytes32 sessionId) external view returns (uint256);

    /// @notice When the session's work ends and its challenge window begins; 0 where there is no such session.
    function endsAtOf(bytes32 sessionId) external view returns (uint256);

    function nodesOf(bytes32 sessionId) external view returns (bytes32[] memory);

    /// @notice Whether the node is one of those that the payer opened the session with.
    function isNodeOf(bytes32 sessionId, bytes32 nodeId) external view returns (bool);

    /// @notice Whether the payer signed this root for the session and the session is final.
    function isFinalRoot(bytes32 sessionId, bytes32 root) external view returns (bool);

    /// @notice What was claimed in time for rewards: work (layers x tokens) and the fee burned for it.
    function rewardableOf(bytes32 sessionId) external view returns (uint256 work, uint256 fee);

    /// @notice The same of one node.
    function rewardableOfNode(bytes32 sessionId, bytes32 nodeId) external view returns (uint256 work, uint256 fee);
}
