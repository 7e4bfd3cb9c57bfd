// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ed25519} from "./lib/Ed25519.sol";
import {IStakes} from "./interfaces/IStakes.sol";

/// @title Which account stands for which node of the network
/// @notice A node's id is the Ed25519 public key of its libp2p identity, the same 32 bytes that its peer id ("12D3KooW...") holds. To
/// bind it to an account the identity signs, and the signature is checked here (RFC 8032, some 550,000 gas, once for a node).
/// @dev Endpoints are not kept on chain: they change, and the mesh's own discovery finds them by the peer id.
/// Threats: somebody else's node claimed (needs its key); a signature used again (it names chain, contract, account and a number that
/// is used once); a stolen node key used to take the stake (a bound node stays bound until its account lets it go, and that only
/// without stake). Not upgradeable, no owner.
contract NodeRegistry {
    /// @dev No other signature of a node's key begins so.
    bytes public constant DOMAIN = "omninode/stake-binding/1\x00";

    IStakes private immutable STAKES;

    mapping(bytes32 nodeId => address) public ownerOf;
    /// @notice How often the node was bound: part of what is signed next.
    mapping(bytes32 nodeId => uint256) public nonceOf;

    event NodeBound(bytes32 indexed nodeId, address indexed owner);
    event NodeReleased(bytes32 indexed nodeId, address indexed owner);

    error AlreadyBound(bytes32 nodeId, address owner);
    error NotOwner(bytes32 nodeId, address account);
    error BadSignature(bytes32 nodeId);
    error StakeRemains(bytes32 nodeId, uint256 amount);

    constructor(IStakes stakes) {
        STAKES = stakes;
    }

    /// @notice Binds a node to the calling account.
    /// @param r first half of the identity's signature of `bindingMessage`
    /// @param s second half
    function bind(bytes32 nodeId, bytes32 r, bytes32 s) external {
        address owner = ownerOf[nodeId];
        if (owner != address(0)) revert AlreadyBound(nodeId, owner);
        if (!Ed25519.verify(nodeId, r, s, bindingMessage(nodeId, msg.sender))) revert BadSignature(nodeId);
        nonceOf[nodeId]++;
        ownerOf[nodeId] = msg.sender;
        emit NodeBound(nodeId, msg.sender);
    }

    /// @notice Lets a node go, so that its identity may be bound to another account. Nothing of it may be staked or due any more.
    function unbind(bytes32 nodeId) external {
        if (ownerOf[nodeId] != msg.sender) revert NotOwner(nodeId, msg.sender);
        uint256 held = STAKES.heldOf(nodeId);
        if (held > 0) revert StakeRemains(nodeId, held);
        delete ownerOf[nodeId];
        emit NodeReleased(nodeId, msg.sender);
    }

    /// @notice What the node's identity signs: domain, chain id (32 bytes), this contract (20), the account (20), a number (32).
    function bindingMessage(bytes32 nodeId, address owner) public view returns (bytes memory) {
        return abi.encodePacked(DOMAIN, block.chainid, address(this), owner, nonceOf[nodeId]);
    }
}
