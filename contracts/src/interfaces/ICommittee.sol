// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What other contracts ask of the committees
interface ICommittee {
    /// @dev Undecided and Dismissed leave the node its pay, Upheld does not.
    enum Standing {
        None,
        Open,
        Undecided,
        Dismissed,
        Upheld
    }

    /// @notice How the case about this node's work in this session stands.
    function standingOf(bytes32 sessionId, bytes32 nodeId) external view returns (Standing);
}
