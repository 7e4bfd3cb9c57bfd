// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Committee} from "../src/Committee.sol";
import {ICommittee} from "../src/interfaces/ICommittee.sol";
import {Bill, Bills} from "../src/lib/Bills.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {Settlement} from "../src/Settlement.sol";
import {StakingContract} from "../src/StakingContract.sol";
import {SumToken} from "../src/SumToken.sol";
import {SumGround} from "./support/SumGround.sol";
import {Test} from "./support/Test.sol";

/// @dev Uses all contracts together as payers, nodes, challengers, members and strangers may, in any order, and keeps books of its own.
contract SumUser is Test {
    uint256 private constant PAYER_KEY = 0xa11ce;
    uint256 public constant NODES = 8;
    Settlement private immutable SETTLEMENT;
    Committee private immutable COMMITTEE;
    RewardDistributor private immutable DISTRIBUTOR;
    StakingContract private immutable STAKES;
    SumToken private immutable TOKEN;
    address private immutable ADMIN;
    address private immutable PAYER;

    bytes32[] public sessions;
    bytes32[] public challenged;
    mapping(bytes32 sessionId => Bill[]) private _vouchers;
    mapping(bytes32 sessionId => uint256) public putIn;
    mapping(bytes32 sessionId => uint256) public paidOut;
    mapping(bytes32 key => uint256) public claims;
    uint256 public feesBurned;
    uint256 public bondsIn;
    uint256 public bondsOut;
    uint256 public reportersParts;
    uint256 public released;
    uint256 public paidWhileOpen;

    constructor(Settlement settlement, Committee committee, RewardDistributor distributor, address admin, address payer) {
        (SETTLEMENT, COMMITTEE, DISTRIBUTOR, ADMIN, PAYER) = (settlement, committee, distributor, admin, payer);
        (STAKES, TOKEN) = (committee.STAKES(), distributor.TOKEN());
    }

    /// @dev With a voucher or two at once: most sessions have some.
    function openSession(uint256 salt, uint256 duration, uint256 cap, uint256[4] calldata amounts) external {
        uint256 count = 1 + (salt % 4);
        (bytes32[] memory nodes, uint256[] memory caps) = (new bytes32[](count), new uint256[](count));
        uint256 escrow;
        for (uint256 i = 0; i < count; i++) {
            nodes[i] = _node((salt >> 8) % NODES + i);
            caps[i] = bound(cap >> i, 1, 500e18);
            escrow += caps[i];
        }
        vm.prank(PAYER);
        bytes32 id = SETTLEMENT.openSession(bytes32(salt), bound(duration, 1 minutes, 1 days), nodes, caps);
        sessions.push(id);
        putIn[id] = escrow;
        for (uint256 i = 0; i < count; i++) if (amounts[i] % 8 != 0) _post(id, nodes[i], amounts[i], uint64(amounts[i] % 1_000));
    }

    /// @dev Any amount, above the node's part too; several vouchers for one node.
    function post(uint256 which, uint256 who, uint256 amount, uint64 tokens) external {
        bytes32 id = _session(which);
        bytes32[] memory nodes = SETTLEMENT.nodesOf(id);
        _post(id, nodes[who % nodes.length], amount, tokens);
    }

    /// @dev Everything that is claimed by anybody now, whether it may be or not.
    function claim(uint256 which) external {
        bytes32 id = _session(which);
        for (uint256 i = 0; i < _vouchers[id].length; i++) _claim(id, _vouchers[id][i]);
    }

    function refund(uint256 which) external {
        bytes32 id = _session(which);
        uint256 before = TOKEN.balanceOf(PAYER);
        SETTLEMENT.refund(id);
        paidOut[id] += TOKEN.balanceOf(PAYER) - before;
    }

    function refuse() external {
        for (uint256 i = 0; i < challenged.length; i += 2) try SETTLEMENT.refuse(challenged[i], challenged[i + 1]) {} catch {}
    }

    /// @dev A case from opening to its end, with any votes: what matters is where the money goes.
    function challenge(uint256 which, uint256 who, uint256 votes) external {
        bytes32 id = _session(which);
        bytes32[] memory nodes = SETTLEMENT.nodesOf(id);
        bytes32 node = nodes[who % nodes.length];
        uint256 endsAt = SETTLEMENT.endsAtOf(id);
        if (block.timestamp < endsAt) vm.warp(endsAt);
        vm.prank(PAYER);
        COMMITTEE.openCase(id, node, "");
        bondsIn += COMMITTEE.BOND();
        challenged.push(id);
        challenged.push(node);
        if (votes % 8 == 0) return;
        vm.roll(block.number + 5);
        COMMITTEE.draw(id, node);
        _vote(id, node, votes >> 8);
    }

    function conclude() external {
        uint256 before = TOKEN.balanceOf(address(COMMITTEE));
        for (uint256 i = 0; i < challenged.length; i += 2) try COMMITTEE.conclude(challenged[i], challenged[i + 1]) {} catch {}
        reportersParts += TOKEN.balanceOf(address(COMMITTEE)) - before;
    }

    function withdraw(uint256 who) external {
        address account = who % (NODES + 1) == 0 ? PAYER : address(uint160(0x1000 + who % (NODES + 1)));
        uint256 before = TOKEN.balanceOf(account);
        vm.prank(account);
        COMMITTEE.withdraw();
        bondsOut += TOKEN.balanceOf(account) - before;
    }

    function score(uint256 value) external {
        for (uint256 i = 0; i < sessions.length; i++) {
            vm.prank(PAYER);
            try DISTRIBUTOR.submitFeedback(sessions[i], bound(value >> i, 0, 1e18)) {} catch {}
        }
    }

    function distribute(uint256 nodes) external {
        for (uint256 i = 0; i < sessions.length; i++) try DISTRIBUTOR.distribute(sessions[i], bound(nodes, 1, 4)) {} catch {}
    }

    function release() external {
        for (uint256 i = 0; i < sessions.length; i++) {
            bytes32[] memory nodes = SETTLEMENT.nodesOf(sessions[i]);
            for (uint256 k = 0; k < nodes.length; k++) {
                uint256 due = DISTRIBUTOR.allocationOf(sessions[i], nodes[k]);
                if (due == 0) continue;
                STAKES.reward(nodes[k], due, abi.encode(sessions[i]));
                released += due;
            }
        }
    }

    function setPaused(uint256 dice) external {
        vm.startPrank(ADMIN);
        if (dice % 4 == 0 && !SETTLEMENT.paused()) {
            SETTLEMENT.pause();
            STAKES.pause();
        } else if (SETTLEMENT.paused()) {
            SETTLEMENT.unpause();
            STAKES.unpause();
        }
        vm.stopPrank();
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1 hours, time % 16 == 0 ? 31 days : 36 hours));
        vm.roll(block.number + bound(time, 1, 400));
    }

    function sessionCount() external view returns (uint256) {
        return sessions.length;
    }

    function _post(bytes32 id, bytes32 node, uint256 amount, uint64 tokens) private {
        Bill memory bill = Bill(id, id, node, 0, uint32(tokens % 40), tokens, bound(amount, 0, 600e18), 0);
        bytes32 root = _leaf(bill);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, SETTLEMENT.voucherDigest(id, root));
        SETTLEMENT.post(id, root, abi.encodePacked(r, s, v));
        _vouchers[id].push(bill);
    }

    function _claim(bytes32 id, Bill memory bill) private {
        address owner = STAKES.REGISTRY().ownerOf(bill.nodeId);
        (uint256 before, uint256 supply) = (TOKEN.balanceOf(owner), TOKEN.totalSupply());
        ICommittee.Standing standing = COMMITTEE.standingOf(id, bill.nodeId);
        bytes32 leaf = _leaf(bill);
        vm.prank(owner);
        try SETTLEMENT.claim(bill, leaf, new bytes32[](0)) {}
        catch {
            return;
        }
        if (standing == ICommittee.Standing.Open || standing == ICommittee.Standing.Upheld) paidWhileOpen++;
        uint256 fee = supply - TOKEN.totalSupply();
        feesBurned += fee;
        paidOut[id] += TOKEN.balanceOf(owner) - before + fee;
        claims[keccak256(abi.encode(id, bill.nodeId))]++;
    }

    function _vote(bytes32 id, bytes32 node, uint256 votes) private {
        address[] memory members = COMMITTEE.caseOf(id, node).members;
        bytes32 caseId = COMMITTEE.caseIdOf(id, node);
        for (uint256 i = 0; i < members.length; i++) {
            bytes32 commitment = COMMITTEE.commitmentOf(caseId, members[i], (votes >> i) % 2 == 0, 0);
            vm.prank(members[i]);
            COMMITTEE.commit(id, node, commitment);
        }
        vm.warp(COMMITTEE.caseOf(id, node).deadline);
        for (uint256 i = 0; i < members.length; i++) {
            if ((votes >> (8 + 2 * i)) % 4 == 0) continue;
            vm.prank(members[i]);
            COMMITTEE.open(id, node, (votes >> i) % 2 == 0, 0);
        }
    }

    function _leaf(Bill memory bill) private view returns (bytes32) {
        return Bills.leafOf(Bills.hash(bill, address(SETTLEMENT)));
    }

    function _node(uint256 index) private pure returns (bytes32) {
        return vm.publicKeyEd25519(bytes32(1 + index % NODES));
    }

    function _session(uint256 which) private view returns (bytes32) {
        return sessions[sessions.length - 1 - which % (sessions.length < 4 ? sessions.length : 4)];
    }
}

/// @dev Each run ends with everybody leaving: fewer runs than elsewhere keep the short suite short.
/// forge-config: default.invariant.runs = 16
/// forge-config: long.invariant.runs = 400
contract SumInvariants is SumGround {
    SumUser private user;

    function setUp() external {
        setUpSum();
        user = new SumUser(settlement, committee, distributor, ADMIN, payer);
        for (uint256 i = 1; i <= user.NODES(); i++) {
            addNode(i, 12_000e18);
            vm.prank(ownerOf(i));
            committee.enlist(nodeOf(i));
        }
        vm.prank(payer);
        token.approve(address(committee), type(uint256).max);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(user);
    }

    function invariant_sessions_hold_what_was_put_in_less_what_was_paid() external view {
        uint256 left;
        for (uint256 i = 0; i < user.sessionCount(); i++) {
            bytes32 id = user.sessions(i);
            assertTrue(user.paidOut(id) <= user.putIn(id), "paid more than funded");
            assertEq(settlement.leftOf(id), user.putIn(id) - user.paidOut(id), "books");
            left += settlement.leftOf(id);
        }
        assertEq(token.balanceOf(address(settlement)), left, "balance");
    }

    function invariant_nodes_are_paid_once_and_never_against_a_ruling() external view {
        for (uint256 i = 0; i < user.sessionCount(); i++) {
            for (uint256 k = 1; k <= user.NODES(); k++) assertTrue(user.claims(keccak256(abi.encode(user.sessions(i), nodeOf(k)))) <= 1, "paid twice");
        }
        assertEq(user.paidWhileOpen(), 0, "paid against a case");
    }

    function invariant_rewards_are_below_what_was_burned() external view {
        assertTrue(token.emitted() * 10 <= user.feesBurned() * 9, "minted more than nine tenths of the fees");
        assertEq(token.balanceOf(address(distributor)), token.emitted() - user.released(), "what waits is there");
        assertTrue(distributor.reserved() <= token.emissionAllowed(), "promised more than may be emitted");
    }

    function invariant_bonds_are_all_there() external view {
        assertEq(token.balanceOf(address(committee)), user.bondsIn() + user.reportersParts() - user.bondsOut(), "balance");
        uint256 due = committee.owed(payer);
        for (uint256 i = 1; i <= user.NODES(); i++) due += committee.owed(ownerOf(i));
        assertTrue(due <= token.balanceOf(address(committee)), "owes more than it has");
    }

    function invariant_stakes_are_all_there() external view {
        uint256 held;
        for (uint256 i = 1; i <= user.NODES(); i++) held += stakes.heldOf(nodeOf(i));
        assertEq(token.balanceOf(address(stakes)), held, "balance");
    }

    /// @dev Whatever happened, and under a pause: when the times are over everybody gets all that is theirs.
    function afterInvariant() external {
        vm.startPrank(ADMIN);
        if (!settlement.paused()) settlement.pause();
        if (!stakes.paused()) stakes.pause();
        vm.stopPrank();
        vm.warp(block.timestamp + 40 days);
        for (uint256 i = 0; i < user.sessionCount(); i++) _finish(user.sessions(i));
        assertEq(token.balanceOf(address(settlement)), 0, "stuck in the settlement");
        assertEq(token.balanceOf(address(distributor)), 0, "stuck in the distributor");
        assertEq(distributor.reserved(), 0, "reserved for ever");
        for (uint256 i = 1; i <= user.NODES(); i++) _leave(i);
        _withdrawOwed(payer);
        assertEq(token.balanceOf(address(committee)), 0, "stuck in the committee");
        vm.warp(block.timestamp + 7 days);
        for (uint256 i = 1; i <= user.NODES(); i++) {
            vm.prank(ownerOf(i));
            stakes.withdraw(nodeOf(i));
        }
        assertEq(token.balanceOf(address(stakes)), 0, "stuck in the stakes");
    }

    function _finish(bytes32 id) private {
        if (settlement.leftOf(id) > 0) settlement.refund(id);
        (,uint32 next,,) = distributor.roundOf(id);
        bytes32[] memory nodes = settlement.nodesOf(id);
        if (next < nodes.length) distributor.distribute(id, 32);
        for (uint256 i = 0; i < nodes.length; i++) {
            uint256 due = distributor.allocationOf(id, nodes[i]);
            if (due > 0) stakes.reward(nodes[i], due, abi.encode(id));
            if (committee.standingOf(id, nodes[i]) == ICommittee.Standing.Open) committee.conclude(id, nodes[i]);
        }
    }

    function _leave(uint256 secret) private {
        vm.startPrank(ownerOf(secret));
        if (stakes.rewardsOf(nodeOf(secret)) > 0) stakes.claim(nodeOf(secret));
        stakes.unstake(nodeOf(secret));
        vm.stopPrank();
        _withdrawOwed(ownerOf(secret));
    }

    function _withdrawOwed(address account) private {
        if (committee.owed(account) == 0) return;
        vm.prank(account);
        committee.withdraw();
    }
}
