// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IRewardSource} from "./interfaces/IRewardSource.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {IStakes} from "./interfaces/IStakes.sol";
import {SumToken} from "./SumToken.sol";

/// @title Rewards for paid work
/// @notice For a session that was paid, new SUM is minted for its nodes: reward = compute share x quality x stake weight x block reward, rounded
/// down. The compute share is the node's part of the layers x tokens that were claimed in time; quality is the payer's score; stake weight
/// grows with the stake up to 10,000 SUM. Where it lies after `distribute`, the stakes take it by `release`.
/// @dev Invariant: what was allocated and not released is the contract's balance, less what somebody sent to it unasked; a node's reward
/// is at most nine tenths of the fee that was burned from its own pay.
/// Threats. A payer that pays nodes of its own to be rewarded: it burns more in fees than all rewards of the session, whatever work its bills
/// state and however it scores. Work overstated for one node: it takes from the others' share, and its own reward is still below its own
/// fee. A score bought or spiteful: worth at most nine tenths of the fee. Stake borrowed for the moment of distribution: it is bound for seven days
/// then. Sessions that outbid the emission: what a session was promised is reserved until it is distributed. No owner, no pause, not upgradeable.
contract RewardDistributor is IRewardSource {
    using SafeERC20 for IERC20;

    /// @notice After finality, for the payer's score.
    uint256 public constant FEEDBACK_PERIOD = 3 days;
    /// @notice After finality, when the shares are known: the settlement's REWARD_WINDOW.
    uint256 public constant DISTRIBUTION_DELAY = 4 days;
    /// @notice One, for scores and weights.
    uint256 public constant ONE = 1e18;
    /// @notice Where the payer says nothing.
    uint256 public constant DEFAULT_SCORE = ONE / 2;
    /// @notice More stake than this weighs no more.
    uint256 public constant FULL_STAKE = 10_000e18;
    /// @notice Of the fee that was burned; below all of it, so that paying oneself costs.
    uint256 public constant REWARD_BPS = 9_000;
    uint256 private constant BPS = 10_000;

    struct Feedback {
        bool isGiven;
        uint64 score;
    }

    struct Round {
        bool isFixed;
        uint32 next;
        uint256 blockReward;
        /// @dev Of the block reward, what is still reserved for nodes to come.
        uint256 reserved;
    }

    SumToken public immutable TOKEN;
    IStakes public immutable STAKES;
    ISettlement public immutable SETTLEMENT;

    /// @notice Emission promised to sessions under distribution, not minted yet.
    uint256 public reserved;
    mapping(bytes32 sessionId => Feedback) public feedbackOf;
    mapping(bytes32 sessionId => Round) public roundOf;
    /// @notice What a node is due for a session and has not been released.
    mapping(bytes32 sessionId => mapping(bytes32 nodeId => uint256)) public allocationOf;

    event FeedbackSubmitted(bytes32 indexed inferenceId, address indexed payer, uint256 score);
    event RoundFixed(bytes32 indexed sessionId, uint256 blockReward);
    event Allocated(bytes32 indexed sessionId, bytes32 indexed nodeId, uint256 amount);
    event Distributed(bytes32 indexed sessionId, uint256 nodes, uint256 minted);
    event Released(bytes32 indexed sessionId, bytes32 indexed nodeId, uint256 amount);

    error NotPayer(bytes32 inferenceId, address account);
    error ScoreTooHigh(uint256 score, uint256 most);
    error FeedbackClosed(uint256 from, uint256 until);
    error FeedbackGiven(bytes32 inferenceId);
    error UnknownSession(bytes32 sessionId);
    error TooEarly(uint256 from);
    error NothingToDo();
    error NotStakes(address account);
    error NotAllocated(bytes32 sessionId, bytes32 nodeId, uint256 asked, uint256 allocated);

    constructor(SumToken token, IStakes stakes, ISettlement settlement) {
        TOKEN = token;
        STAKES = stakes;
        SETTLEMENT = settlement;
    }

    /// @notice The payer's score for a session, once, within three days after it became final.
    /// @param inferenceId the session's id
    /// @param score between 0 and ONE
    function submitFeedback(bytes32 inferenceId, uint256 score) external {
        if (SETTLEMENT.payerOf(inferenceId) != msg.sender) revert NotPayer(inferenceId, msg.sender);
        if (score > ONE) revert ScoreTooHigh(score, ONE);
        uint256 from = SETTLEMENT.finalAtOf(inferenceId);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp < from || block.timestamp >= from + FEEDBACK_PERIOD) revert FeedbackClosed(from, from + FEEDBACK_PERIOD);
        if (feedbackOf[inferenceId].isGiven) revert FeedbackGiven(inferenceId);
        // At most 1e18.
        // forge-lint: disable-next-line(unsafe-typecast)
        feedbackOf[inferenceId] = Feedback(true, uint64(score));
        emit FeedbackSubmitted(inferenceId, msg.sender, score);
    }

    /// @notice Fixes and mints what the next nodes of a session are due; anybody may.
    /// @param maxNodes how many at most in this call
    function distribute(bytes32 sessionId, uint256 maxNodes) external {
        Round storage round = _fixed(sessionId);
        bytes32[] memory nodeIds = SETTLEMENT.nodesOf(sessionId);
        uint256 end = maxNodes < nodeIds.length - round.next ? round.next + maxNodes : nodeIds.length;
        if (end == round.next) revert NothingToDo();
        uint256 sum;
        for (uint256 i = round.next; i < end; i++) {
            uint256 amount = computeReward(sessionId, nodeIds[i]);
            allocationOf[sessionId][nodeIds[i]] = amount;
            sum += amount;
            emit Allocated(sessionId, nodeIds[i], amount);
        }
        emit Distributed(sessionId, end - round.next, sum);
        // At most 32 nodes.
        // forge-lint: disable-next-line(unsafe-typecast)
        round.next = uint32(end);
        // After the last node nothing is reserved: what quality and stake left over can be emitted otherwise.
        uint256 spent = end == nodeIds.length ? round.reserved : sum;
        round.reserved -= spent;
        reserved -= spent;
        TOKEN.emitTo(address(this), sum);
    }

    /// @notice Sends an allocation to the stakes, whole and once.
    /// @param proof abi.encode(sessionId)
    function release(bytes32 nodeId, uint256 amount, bytes calldata proof) external {
        if (msg.sender != address(STAKES)) revert NotStakes(msg.sender);
        bytes32 sessionId = abi.decode(proof, (bytes32));
        uint256 allocated = allocationOf[sessionId][nodeId];
        if (amount == 0 || amount != allocated) revert NotAllocated(sessionId, nodeId, amount, allocated);
        allocationOf[sessionId][nodeId] = 0;
        emit Released(sessionId, nodeId, amount);
        IERC20(TOKEN).safeTransfer(msg.sender, amount);
    }

    /// @notice What the node is due for the session as things stand: fixed once its part was distributed (see `allocationOf`).
    function computeReward(bytes32 sessionId, bytes32 nodeId) public view returns (uint256) {
        (uint256 allWork,) = SETTLEMENT.rewardableOf(sessionId);
        (uint256 work, uint256 fee) = SETTLEMENT.rewardableOfNode(sessionId, nodeId);
        if (work == 0) return 0;
        Round storage round = roundOf[sessionId];
        uint256 blockReward = round.isFixed ? round.blockReward : _blockReward(sessionId);
        // One rounding, down. Factors: below 2^90 x 2^60, and 2^96 x 2^60; divisor below 2^101 x 2^120.
        uint256 due = Math.mulDiv(blockReward * qualityOf(sessionId), work * stakeWeightOf(nodeId), allWork * ONE * ONE);
        return Math.min(due, (fee * REWARD_BPS) / BPS);
    }

    /// @notice The payer's score, or the one that stands for silence.
    function qualityOf(bytes32 sessionId) public view returns (uint256) {
        Feedback memory feedback = feedbackOf[sessionId];
        return feedback.isGiven ? feedback.score : DEFAULT_SCORE;
    }

    /// @notice Grows with what is staked now, up to ONE.
    function stakeWeightOf(bytes32 nodeId) public view returns (uint256) {
        return Math.min(ONE, (STAKES.stakedOf(nodeId) * ONE) / FULL_STAKE);
    }

    /// @dev The first call for a session fixes its block reward and reserves it.
    function _fixed(bytes32 sessionId) private returns (Round storage round) {
        round = roundOf[sessionId];
        if (round.isFixed) return round;
        uint256 finalAt = SETTLEMENT.finalAtOf(sessionId);
        if (finalAt == 0) revert UnknownSession(sessionId);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp < finalAt + DISTRIBUTION_DELAY) revert TooEarly(finalAt + DISTRIBUTION_DELAY);
        uint256 blockReward = _blockReward(sessionId);
        (round.isFixed, round.blockReward, round.reserved) = (true, blockReward, blockReward);
        reserved += blockReward;
        emit RoundFixed(sessionId, blockReward);
    }

    function _blockReward(bytes32 sessionId) private view returns (uint256) {
        (, uint256 fee) = SETTLEMENT.rewardableOf(sessionId);
        return Math.min(TOKEN.emissionAllowed() - reserved, (fee * REWARD_BPS) / BPS);
    }
}
