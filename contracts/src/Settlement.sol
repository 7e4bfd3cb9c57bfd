// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {IStakes} from "./interfaces/IStakes.sol";
import {Bill, Bills} from "./lib/Bills.sol";
import {NodeRegistry} from "./NodeRegistry.sol";

/// @title Paid sessions
/// @notice A payer puts SUM aside for each node of a session, then signs vouchers while the nodes work: Merkle roots over the nodes' bills.
/// Anybody may post a voucher until the session is final, a day after its end; then each node claims once, with the best bill of its own
/// in any voucher that was posted, and what no node claims goes back to the payer.
/// @dev Invariant: what the open sessions still hold is the contract's balance, less what somebody sent to it unasked; a session never
/// pays more than was put aside for it, a node never more than its own part.
/// Threats. A payer that takes a voucher back (each voucher binds; a later one adds, and replaces nothing) or promises the same SUM to
/// several nodes (each node's part is put aside apart). A payer that refuses to post (anybody posts: the nodes keep the newest voucher,
/// and stop working where it is short of what they did). Somebody else claiming a worse bill for a node (its account alone claims). A
/// session id taken by somebody else (it is made of the payer's address). A node whose stake leaves before a case about it ends: it is
/// staked when the session opens, and duration, grace and the longest case together (1 + 1 + 3 days) are shorter than the unbonding of 7.
/// A key's account that takes on code which denies its signatures (the key's signature holds all the same). A contract account can always
/// deny what it signed: nodes post its vouchers at once, or refuse it. A pause that traps money (it stops new sessions alone). The node's account is that of the time of the claim. Not upgradeable.
contract Settlement is ISettlement, EIP712, Ownable2Step, Pausable, ReentrancyGuard {
    using SafeERC20 for ERC20Burnable;

    uint256 public constant MAX_NODES = 32;
    uint256 public constant MIN_DURATION = 1 minutes;
    uint256 public constant MAX_DURATION = 1 days;
    /// @notice After a session's end, for vouchers to be posted and cases to be opened.
    uint256 public constant CHALLENGE_WINDOW = 1 days;
    /// @notice Claims within this time after finality count for rewards: longer than any case lasts.
    uint256 public constant REWARD_WINDOW = 4 days;
    /// @notice What a node has not claimed by then goes back to the payer.
    uint256 public constant CLAIM_PERIOD = 30 days;
    /// @notice Of what a node is paid, burned.
    uint256 public constant FEE_BPS = 500;
    uint256 private constant BPS = 10_000;
    // solhint-disable-next-line gas-small-strings
    bytes32 private constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 sessionId,bytes32 root)");

    struct Session {
        address payer;
        uint64 finalAt;
        uint32 vouchers;
        /// @dev Of what was put aside, what still lies here.
        uint256 left;
        /// @dev The part of `left` that no node can claim any more.
        uint256 freed;
        uint256 rewardableWork;
        uint256 rewardableFee;
        bytes32[] nodeIds;
    }

    struct Share {
        uint256 cap;
        uint256 rewardableWork;
        uint256 rewardableFee;
        bool isClosed;
    }

    ERC20Burnable public immutable TOKEN;
    IStakes public immutable STAKES;
    NodeRegistry public immutable REGISTRY;

    /// @notice What rules about work that was challenged; named once.
    ICommittee public committee;

    mapping(bytes32 sessionId => Session) private _sessions;
    mapping(bytes32 sessionId => mapping(bytes32 nodeId => Share)) private _shares;
    mapping(bytes32 sessionId => mapping(bytes32 root => bool)) public isPosted;

    event CommitteeNamed(address indexed committee);
    event SessionOpened(bytes32 indexed sessionId, address indexed payer, uint256 escrow, uint256 finalAt, bytes32[] nodeIds, uint256[] caps);
    event VoucherPosted(bytes32 indexed sessionId, bytes32 root);
    event Claimed(bytes32 indexed sessionId, bytes32 indexed nodeId, address indexed owner, uint256 paid, uint256 burned, uint256 work);
    event Refused(bytes32 indexed sessionId, bytes32 indexed nodeId);
    event Refunded(bytes32 indexed sessionId, address indexed payer, uint256 amount);

    error CommitteeAlreadyNamed();
    error NotWired();
    error BadDuration(uint256 durationS);
    error BadNodes(uint256 nodes, uint256 caps, uint256 most);
    error BadCap(bytes32 nodeId, uint256 cap);
    error NodeNotActive(bytes32 nodeId);
    error SessionExists(bytes32 sessionId);
    error UnknownSession(bytes32 sessionId);
    error UnknownNode(bytes32 sessionId, bytes32 nodeId);
    error AlreadyFinal(uint256 finalAt);
    error NotFinal(uint256 finalAt);
    error AlreadyPosted(bytes32 root);
    error NotPosted(bytes32 root);
    error BadSignature(bytes32 sessionId, bytes32 root);
    error NotOwnerOfNode(bytes32 nodeId, address account);
    error AlreadyClosed(bytes32 sessionId, bytes32 nodeId);
    error ClaimsEnded(uint256 endedAt);
    error NotInVoucher(bytes32 billHash, bytes32 root);
    error CaseOpen(bytes32 sessionId, bytes32 nodeId);
    error WasRefused(bytes32 sessionId, bytes32 nodeId);
    error NoRuling(bytes32 sessionId, bytes32 nodeId);
    error NothingToRefund(bytes32 sessionId);

    constructor(ERC20Burnable token, IStakes stakes, NodeRegistry registry, address admin) EIP712("OmniNode Settlement", "1") Ownable(admin) {
        TOKEN = token;
        STAKES = stakes;
        REGISTRY = registry;
    }

    /// @notice Names what rules about challenged work, once.
    function nameCommittee(ICommittee committee_) external onlyOwner {
        if (address(committee) != address(0)) revert CommitteeAlreadyNamed();
        committee = committee_;
        emit CommitteeNamed(address(committee_));
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    /// @notice Puts aside what the nodes of a session may earn at most; the sum is taken from the caller.
    /// @param salt chosen by the payer, once
    /// @param durationS seconds from now to the session's end
    /// @param nodeIds the nodes, each with the least stake or more
    /// @param caps the most for each, in their order
    function openSession(bytes32 salt, uint256 durationS, bytes32[] calldata nodeIds, uint256[] calldata caps) external whenNotPaused nonReentrant returns (bytes32 sessionId) {
        if (address(committee) == address(0)) revert NotWired();
        if (durationS < MIN_DURATION || durationS > MAX_DURATION) revert BadDuration(durationS);
        if (nodeIds.length == 0 || nodeIds.length > MAX_NODES || nodeIds.length != caps.length) revert BadNodes(nodeIds.length, caps.length, MAX_NODES);
        sessionId = sessionIdOf(msg.sender, salt);
        Session storage session = _sessions[sessionId];
        if (session.payer != address(0)) revert SessionExists(sessionId);
        session.payer = msg.sender;
        uint256 finalAt = block.timestamp + durationS + CHALLENGE_WINDOW;
        session.finalAt = SafeCast.toUint64(finalAt);
        session.nodeIds = nodeIds;
        uint256 escrow = _putAside(sessionId, nodeIds, caps);
        session.left = escrow;
        emit SessionOpened(sessionId, msg.sender, escrow, finalAt, nodeIds, caps);
        TOKEN.safeTransferFrom(msg.sender, address(this), escrow);
    }

    /// @notice Posts a voucher of the payer; anybody may.
    /// @param root Merkle root over the leaves of bills (`Bills.leafOf`; pairs sorted, as OpenZeppelin's MerkleProof)
    /// @param signature the payer's, of `voucherDigest`: of a key (65 bytes), or what its contract account accepts (ERC-1271)
    function post(bytes32 sessionId, bytes32 root, bytes calldata signature) external {
        Session storage session = _known(sessionId);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp >= session.finalAt) revert AlreadyFinal(session.finalAt);
        if (isPosted[sessionId][root]) revert AlreadyPosted(root);
        if (!_isSignedBy(session.payer, voucherDigest(sessionId, root), signature)) revert BadSignature(sessionId, root);
        isPosted[sessionId][root] = true;
        session.vouchers++;
        emit VoucherPosted(sessionId, root);
    }

    /// @notice Pays a node what its bill asks for, up to its part; once, by its account, which chooses the voucher.
    function claim(Bill calldata bill, bytes32 root, bytes32[] calldata path) external nonReentrant {
        Session storage session = _final(bill.sessionId);
        if (REGISTRY.ownerOf(bill.nodeId) != msg.sender) revert NotOwnerOfNode(bill.nodeId, msg.sender);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp >= session.finalAt + CLAIM_PERIOD) revert ClaimsEnded(session.finalAt + CLAIM_PERIOD);
        Share storage share = _openShare(bill.sessionId, bill.nodeId);
        ICommittee.Standing standing = committee.standingOf(bill.sessionId, bill.nodeId);
        if (standing == ICommittee.Standing.Open) revert CaseOpen(bill.sessionId, bill.nodeId);
        if (standing == ICommittee.Standing.Upheld) revert WasRefused(bill.sessionId, bill.nodeId);
        _checkInVoucher(bill, root, path);
        share.isClosed = true;
        uint256 amount = bill.amount < share.cap ? bill.amount : share.cap;
        session.left -= amount;
        session.freed += share.cap - amount;
        _pay(session, share, bill, amount);
    }

    /// @notice Frees a node's part for the payer after a ruling against the node; anybody may.
    function refuse(bytes32 sessionId, bytes32 nodeId) external {
        Session storage session = _known(sessionId);
        Share storage share = _openShare(sessionId, nodeId);
        if (committee.standingOf(sessionId, nodeId) != ICommittee.Standing.Upheld) revert NoRuling(sessionId, nodeId);
        share.isClosed = true;
        session.freed += share.cap;
        emit Refused(sessionId, nodeId);
    }

    /// @notice Gives the payer back what no node can claim any more; anybody may ask, as often as something is there: at finality all where no
    /// voucher was posted, else what claims and rulings left over, and the rest when the time for claims is over.
    function refund(bytes32 sessionId) external nonReentrant {
        Session storage session = _final(sessionId);
        // forge-lint: disable-next-line(block-timestamp)
        bool isOver = session.vouchers == 0 || block.timestamp >= session.finalAt + CLAIM_PERIOD;
        uint256 amount = isOver ? session.left : session.freed;
        if (amount == 0) revert NothingToRefund(sessionId);
        session.left -= amount;
        session.freed = 0;
        emit Refunded(sessionId, session.payer, amount);
        TOKEN.safeTransfer(session.payer, amount);
    }

    function payerOf(bytes32 sessionId) external view returns (address) {
        return _sessions[sessionId].payer;
    }

    function finalAtOf(bytes32 sessionId) external view returns (uint256) {
        return _sessions[sessionId].finalAt;
    }

    function endsAtOf(bytes32 sessionId) external view returns (uint256) {
        uint256 finalAt = _sessions[sessionId].finalAt;
        return finalAt == 0 ? 0 : finalAt - CHALLENGE_WINDOW;
    }

    /// @notice What of the session's money still lies here.
    function leftOf(bytes32 sessionId) external view returns (uint256) {
        return _sessions[sessionId].left;
    }

    function nodesOf(bytes32 sessionId) external view returns (bytes32[] memory) {
        return _sessions[sessionId].nodeIds;
    }

    function isNodeOf(bytes32 sessionId, bytes32 nodeId) external view returns (bool) {
        return _shares[sessionId][nodeId].cap > 0;
    }

    function shareOf(bytes32 sessionId, bytes32 nodeId) external view returns (Share memory) {
        return _shares[sessionId][nodeId];
    }

    function isFinalRoot(bytes32 sessionId, bytes32 root) external view returns (bool) {
        // forge-lint: disable-next-line(block-timestamp)
        return isPosted[sessionId][root] && block.timestamp >= _sessions[sessionId].finalAt;
    }

    function rewardableOf(bytes32 sessionId) external view returns (uint256 work, uint256 fee) {
        return (_sessions[sessionId].rewardableWork, _sessions[sessionId].rewardableFee);
    }

    function rewardableOfNode(bytes32 sessionId, bytes32 nodeId) external view returns (uint256 work, uint256 fee) {
        return (_shares[sessionId][nodeId].rewardableWork, _shares[sessionId][nodeId].rewardableFee);
    }

    /// @notice The id of the session that this payer opens with this salt.
    function sessionIdOf(address payer, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), payer, salt));
    }

    /// @notice What the payer signs (EIP-712): Voucher(bytes32 sessionId, bytes32 root).
    function voucherDigest(bytes32 sessionId, bytes32 root) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, sessionId, root)));
    }

    function _putAside(bytes32 sessionId, bytes32[] calldata nodeIds, uint256[] calldata caps) private returns (uint256 escrow) {
        for (uint256 i = 0; i < nodeIds.length; i++) {
            Share storage share = _shares[sessionId][nodeIds[i]];
            // Nothing, or a node named twice.
            if (caps[i] == 0 || share.cap > 0) revert BadCap(nodeIds[i], caps[i]);
            if (!STAKES.isActive(nodeIds[i])) revert NodeNotActive(nodeIds[i]);
            share.cap = caps[i];
            escrow += caps[i];
        }
    }

    /// @dev A key's signature holds whatever code its account has taken on since (EIP-7702).
    function _isSignedBy(address payer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address signer, ECDSA.RecoverError failed,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failed == ECDSA.RecoverError.NoError && signer == payer) return true;
        return SignatureChecker.isValidERC1271SignatureNow(payer, digest, signature);
    }

    /// @dev The fee is burned, the rest goes to the node's account, which is the caller.
    function _pay(Session storage session, Share storage share, Bill calldata bill, uint256 amount) private {
        uint256 fee = (amount * FEE_BPS) / BPS;
        uint256 work = Bills.work(bill);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp < session.finalAt + REWARD_WINDOW) {
            (share.rewardableWork, share.rewardableFee) = (work, fee);
            session.rewardableWork += work;
            session.rewardableFee += fee;
        }
        emit Claimed(bill.sessionId, bill.nodeId, msg.sender, amount - fee, fee, work);
        TOKEN.burn(fee);
        TOKEN.safeTransfer(msg.sender, amount - fee);
    }

    function _checkInVoucher(Bill calldata bill, bytes32 root, bytes32[] calldata path) private view {
        if (!isPosted[bill.sessionId][root]) revert NotPosted(root);
        bytes32 billHash = Bills.hash(bill, address(this));
        if (!MerkleProof.verifyCalldata(path, root, Bills.leafOf(billHash))) revert NotInVoucher(billHash, root);
    }

    function _known(bytes32 sessionId) private view returns (Session storage session) {
        session = _sessions[sessionId];
        if (session.payer == address(0)) revert UnknownSession(sessionId);
    }

    function _final(bytes32 sessionId) private view returns (Session storage session) {
        session = _known(sessionId);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp < session.finalAt) revert NotFinal(session.finalAt);
    }

    function _openShare(bytes32 sessionId, bytes32 nodeId) private view returns (Share storage share) {
        share = _shares[sessionId][nodeId];
        if (share.cap == 0) revert UnknownNode(sessionId, nodeId);
        if (share.isClosed) revert AlreadyClosed(sessionId, nodeId);
    }
}
