// What the web and mobile clients of the time do: Client4 and the WebSocket client of mattermost-redux, through two gateways.
//
// Usage: node redux_client.js GATEWAY1 GATEWAY2 PICTURE.png MODULES
// MODULES is the directory in which the library is installed. Every step prints "ok" or "not ok".
'use strict';

const assert = require('node:assert/strict');
const {readFileSync} = require('node:fs');
const {createRequire} = require('node:module');
const path = require('node:path');

const [first, second, picturePath, modules] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(modules), 'package.json'));

// The library was written for the fetch of isomorphic-fetch, which yields to a built-in one.
for (const name of ['fetch', 'Headers', 'Request', 'Response']) {
    delete globalThis[name];
}
load('isomorphic-fetch');
load('regenerator-runtime/runtime'); // applications brought it along
const FormData = load('form-data');
globalThis.WebSocket = load('ws'); // global in every application the library was written for
const Client4 = load('mattermost-redux/client/client4').default;
const WebSocketClient = load('mattermost-redux/client/websocket_client').default.constructor;

const NAME = `mattermost-redux ${load('mattermost-redux/package.json').version}`;
const EVENT_DEADLINE_MS = 15000;
const RUN = Math.random().toString(36).slice(2, 10);
const PASSWORD = 'correct-horse-1';

// The WebSocket client reports every connecting and closing on the console.
console.log = () => {};
const print = (line) => process.stdout.write(`${line}\n`);

class Person {
    constructor(name, gateway) {
        this.name = `${name}${RUN}`;
        this.email = `${this.name}@example.com`;
        this.gateway = gateway;
        this.api = new Client4();
        this.api.setUrl(gateway);
        this.api.setUserAgent('Mozilla/5.0 (X11; Linux x86_64) Chrome/66.0.3359.139 Safari/537.36');
        this.socket = new WebSocketClient();
        this.events = [];
        this.waiting = [];
        this.id = '';
    }

    async listen() {
        this.socket.setEventCallback((message) => {
            this.events.push(message);
            this.waiting = this.waiting.filter((attempt) => !attempt());
        });
        this.socket.setFirstConnectCallback(() => {});
        const connectionUrl = `${this.gateway.replace(/^http/, 'ws')}/api/v4/websocket`;
        await this.socket.initialize(this.api.getToken(), () => {}, () => ({}), {connectionUrl});
        return this.hear('hello');
    }

    // Waits for an event; events heard earlier count.
    hear(event, matches = () => true) {
        return new Promise((resolve, reject) => {
            const attempt = () => {
                const found = this.events.find((m) => m.event === event && matches(m));
                if (found) {
                    clearTimeout(timer);
                    resolve(found);
                }
                return Boolean(found);
            };
            const timer = setTimeout(() => {
                reject(new Error(`${this.name} did not hear ${event}; heard ${this.events.map((m) => m.event)}`));
            }, EVENT_DEADLINE_MS);
            if (!attempt()) {
                this.waiting.push(attempt);
            }
        });
    }

    async hearPost(event, id) {
        const message = await this.hear(event, (m) => JSON.parse(m.data.post).id === id);
        return {message, post: JSON.parse(message.data.post)};
    }
}

const alice = new Person('jsalice', first);
const bob = new Person('jsbob', second);
const picture = readFileSync(picturePath);
let team;
let channel;
let post;
let direct;

async function refused(status, id, action) {
    let answer;
    try {
        answer = await action();
    } catch (error) {
        assert.equal(error.status_code, status, `expected ${status}, got ${JSON.stringify(error.message || error)}`);
        if (id) {
            assert.equal(error.server_error_id, id);
        }
        return;
    }
    assert.fail(`expected ${status}, got ${JSON.stringify(answer)}`);
}

const steps = {
    async 'server says what it is'() {
        assert.equal((await alice.api.ping()).status, 'OK');
        const config = await alice.api.getClientConfigOld();
        assert.ok(config.Version && 'SiteName' in config, `client configuration ${Object.keys(config).slice(0, 5)}`);
        assert.ok('IsLicensed' in await alice.api.getClientLicenseOld());
    },
    async 'sign up'() {
        const user = await alice.api.createUser({username: alice.name, email: alice.email, password: PASSWORD});
        assert.deepEqual([user.username, user.roles], [alice.name, 'system_user']);
    },
    async 'log in'() {
        await refused(401, 'api.user.check_user_password.invalid.app_error', () => alice.api.login(alice.name, 'wrong-password'));
        alice.id = (await alice.api.login(alice.name, PASSWORD)).id;
        assert.equal(alice.api.getToken().length, 26);
        assert.equal((await alice.api.getMe()).id, alice.id);
        assert.match(alice.api.serverVersion, /^\d+\.\d+\.\d+\./, 'X-Version-Id');
    },
    async 'create a team'() {
        team = await alice.api.createTeam({name: `js-${RUN}`, display_name: 'Team', type: 'O'});
        assert.deepEqual((await alice.api.getMyTeams()).map((t) => t.id), [team.id]);
        assert.equal((await alice.api.getMyTeamMembers())[0].roles, 'team_user team_admin');
        assert.deepEqual(await alice.api.checkIfTeamExists(team.name), {exists: true});
    },
    async 'sign up by invite id'() {
        await bob.api.createUser({username: bob.name, email: bob.email, password: PASSWORD}, null, null, team.invite_id);
        bob.id = (await bob.api.login(bob.email, PASSWORD)).id;
        assert.deepEqual((await bob.api.getMyTeams()).map((t) => t.id), [team.id]);
        assert.deepEqual((await bob.api.getMyChannels(team.id)).map((c) => c.name), ['off-topic', 'town-square']);
    },
    async 'join by invite id again'() {
        assert.equal((await bob.api.joinTeam(team.invite_id)).user_id, bob.id);
        await refused(404, 'store.sql_team.get_by_invite_id.find.app_error', () => bob.api.joinTeam('no-such-invitation'));
    },
    async 'sockets say hello'() {
        for (const person of [alice, bob]) {
            const hello = await person.listen();
            assert.equal(hello.seq, 0);
            assert.equal(hello.broadcast.user_id, person.id);
        }
    },
    async 'create and join a channel'() {
        channel = await alice.api.createChannel({team_id: team.id, name: `plans-${RUN}`, display_name: 'Plans', type: 'O'});
        await alice.hear('channel_created', (m) => m.data.channel_id === channel.id);
        await bob.api.addToChannel(bob.id, channel.id);
        await alice.hear('user_added', (m) => m.data.user_id === bob.id && m.broadcast.channel_id === channel.id);
        assert.equal((await bob.api.getChannelStats(channel.id)).member_count, 2);
        const members = await bob.api.getMyChannelMembers(team.id);
        assert.equal(members.find((m) => m.channel_id === channel.id).notify_props.mark_unread, 'all');
    },
    async 'a post on one gateway is heard on the other'() {
        const message = `hello @${bob.name} <b>&</b> Grüße 会議`;
        const pending = `${alice.id}:${Date.now()}`;
        post = await alice.api.createPost({channel_id: channel.id, message, pending_post_id: pending, user_id: alice.id, create_at: 0, props: {}});
        const heard = await bob.hearPost('posted', post.id);
        assert.equal(heard.post.message, message);
        assert.deepEqual(JSON.parse(heard.message.data.mentions), [bob.id]);
        assert.equal(heard.message.data.channel_type, 'O');
        assert.equal((await alice.hearPost('posted', post.id)).post.pending_post_id, pending);
    },
    async 'counters and view'() {
        let mine = await bob.api.getMyChannelMember(channel.id);
        assert.equal(mine.mention_count, 1);
        const unreads = await bob.api.getMyTeamUnreads();
        assert.ok(unreads.find((t) => t.team_id === team.id).mention_count >= 1, JSON.stringify(unreads));
        const viewed = await bob.api.viewMyChannel(channel.id, '');
        assert.equal(viewed.status, 'OK');
        await bob.hear('channel_viewed', (m) => m.data.channel_id === channel.id);
        mine = await bob.api.getMyChannelMember(channel.id);
        const {total_msg_count: total} = await bob.api.getChannel(channel.id);
        assert.deepEqual([mine.mention_count, mine.msg_count], [0, total]);
    },
    async 'typing and statuses over the socket'() {
        bob.socket.userTyping(channel.id, '');
        const typing = await alice.hear('typing', (m) => m.data.user_id === bob.id);
        assert.equal(typing.broadcast.channel_id, channel.id);
        bob.socket.getStatuses();
        bob.socket.getStatusesByIds([alice.id]);
    },
    async 'reply and thread'() {
        const reply = await bob.api.createPost({channel_id: channel.id, message: 'a reply', root_id: post.id, parent_id: post.id});
        assert.equal((await alice.hearPost('posted', reply.id)).post.root_id, post.id);
        assert.deepEqual(new Set(Object.keys((await alice.api.getPostThread(post.id)).posts)), new Set([post.id, reply.id]));
        assert.deepEqual((await alice.api.getPosts(channel.id, 0, 2)).order, [reply.id, post.id]);
        assert.deepEqual((await alice.api.getPostsAfter(channel.id, post.id)).order, [reply.id]);
        assert.equal((await alice.api.getPostsBefore(channel.id, reply.id, 0, 1)).order[0], post.id);
        assert.ok((await bob.api.getPostsSince(channel.id, post.create_at)).order.includes(reply.id));
    },
    async edit() {
        await alice.api.patchPost({id: post.id, message: 'edited once'});
        const heard = await bob.hearPost('post_edited', post.id);
        assert.ok(heard.post.edit_at > 0 && heard.post.message === 'edited once', JSON.stringify(heard.post));
        await alice.api.updatePost({...post, message: 'edited twice'});
        await refused(403, 'api.context.permissions.app_error', () => bob.api.patchPost({id: post.id, message: 'not mine'}));
    },
    async react() {
        await bob.api.addReaction(bob.id, post.id, 'thumbsup');
        const heard = await alice.hear('reaction_added', (m) => JSON.parse(m.data.reaction).post_id === post.id);
        assert.equal(JSON.parse(heard.data.reaction).emoji_name, 'thumbsup');
        assert.deepEqual((await alice.api.getReactionsForPost(post.id)).map((r) => r.user_id), [bob.id]);
        await bob.api.removeReaction(bob.id, post.id, 'thumbsup');
        await alice.hear('reaction_removed', (m) => JSON.parse(m.data.reaction).post_id === post.id);
    },
    async pin() {
        await bob.api.pinPost(post.id);
        assert.deepEqual((await alice.api.getPinnedPosts(channel.id)).order, [post.id]);
        await bob.api.unpinPost(post.id);
        assert.deepEqual((await alice.api.getPinnedPosts(channel.id)).order, []);
    },
    async 'upload, attach, download'() {
        const form = new FormData();
        form.append('files', picture, {filename: 'picture.png', contentType: 'image/png'});
        form.append('channel_id', channel.id);
        form.append('client_ids', 'client-1');
        const uploaded = await alice.api.uploadFile(form, form.getBoundary());
        assert.deepEqual(uploaded.client_ids, ['client-1']);
        const [info] = uploaded.file_infos;
        assert.deepEqual([info.name, info.mime_type, info.has_preview_image], ['picture.png', 'image/png', true]);
        const attached = await alice.api.createPost({channel_id: channel.id, message: 'see', file_ids: [info.id]});
        const heard = await bob.hearPost('posted', attached.id);
        assert.deepEqual([heard.post.file_ids, heard.message.data.image], [[info.id], 'true']);
        assert.deepEqual((await bob.api.getFileInfosForPost(attached.id)).map((f) => f.id), [info.id]);
        // Pictures are fetched by the browser itself, with the cookie.
        const headers = {Cookie: `MMAUTHTOKEN=${bob.api.getToken()}`};
        for (const url of [bob.api.getFileThumbnailUrl(info.id), bob.api.getFilePreviewUrl(info.id)]) {
            const image = await fetch(url, {headers});
            assert.equal(image.status, 200, url);
            assert.match(image.headers.get('content-type'), /^image\//);
        }
        const original = await (await fetch(bob.api.getFileUrl(info.id), {headers})).buffer();
        assert.ok(picture.equals(original), 'bytes of the file');
    },
    async status() {
        await alice.api.updateStatus({user_id: alice.id, status: 'dnd'});
        await alice.hear('status_change', (m) => m.data.status === 'dnd');
        assert.equal((await bob.api.getStatus(alice.id)).status, 'dnd');
        const statuses = await bob.api.getStatusesByIds([alice.id, bob.id]);
        assert.deepEqual(new Map(statuses.map((s) => [s.user_id, s.status])), new Map([[alice.id, 'dnd'], [bob.id, 'online']]));
    },
    async preferences() {
        const wanted = {user_id: bob.id, category: 'flagged_post', name: post.id, value: 'true'};
        await bob.api.savePreferences(bob.id, [wanted]);
        assert.deepEqual(JSON.parse((await bob.hear('preferences_changed')).data.preferences), [wanted]);
        const mine = await bob.api.getMyPreferences();
        assert.deepEqual(mine.filter((p) => p.category === 'flagged_post'), [wanted]);
        assert.deepEqual((await bob.api.getFlaggedPosts(bob.id)).order, [post.id]);
        await bob.api.deletePreferences(bob.id, [wanted]);
        assert.deepEqual((await bob.api.getFlaggedPosts(bob.id)).order, []);
    },
    async 'find users and channels'() {
        assert.deepEqual((await alice.api.searchUsers(bob.name.slice(0, -2), {team_id: team.id})).map((u) => u.id), [bob.id]);
        const named = await alice.api.autocompleteUsers(bob.name.slice(0, 7), team.id, channel.id);
        assert.ok(named.users.some((u) => u.id === bob.id), JSON.stringify(named));
        assert.deepEqual((await alice.api.getProfilesByIds([bob.id])).map((u) => u.username), [bob.name]);
        assert.equal((await alice.api.getProfilesInChannel(channel.id)).length, 2);
        assert.deepEqual((await bob.api.autocompleteChannels(team.id, 'plans')).map((c) => c.id), [channel.id]);
        assert.deepEqual((await bob.api.searchChannels(team.id, 'plans')).map((c) => c.id), [channel.id]);
        assert.equal((await alice.api.patchMe({nickname: 'Al'})).nickname, 'Al');
        await alice.hear('user_updated', (m) => m.data.user.id === alice.id && m.data.user.nickname === 'Al');
    },
    async 'direct channel'() {
        direct = await alice.api.createDirectChannel([alice.id, bob.id]);
        assert.equal(direct.type, 'D');
        await bob.hear('direct_added', (m) => m.broadcast.channel_id === direct.id);
        const whispered = await alice.api.createPost({channel_id: direct.id, message: 'between us'});
        const heard = await bob.hearPost('posted', whispered.id);
        assert.deepEqual([heard.message.data.team_id, heard.message.data.channel_type], ['', 'D']);
        assert.equal((await bob.api.getMyChannelMember(direct.id)).mention_count, 1);
    },
    async 'delete a post'() {
        await refused(403, 'api.context.permissions.app_error', () => bob.api.deletePost(post.id));
        await alice.api.deletePost(post.id);
        await bob.hearPost('post_deleted', post.id);
        await refused(404, 'store.sql_post.get.app_error', () => bob.api.getPostThread(post.id));
    },
    async 'archive the channel'() {
        await alice.api.deleteChannel(channel.id);
        await bob.hear('channel_deleted', (m) => m.data.channel_id === channel.id);
        assert.ok(!(await bob.api.getMyChannels(team.id)).some((c) => c.id === channel.id));
    },
    async 'seq has no gap'() {
        for (const person of [alice, bob]) {
            assert.ok(person.events.length > 10, `${person.name} heard ${person.events.length} events`);
            assert.deepEqual(person.events.map((m) => m.seq), person.events.map((_, n) => n), person.name);
        }
    },
    async 'log out'() {
        for (const person of [alice, bob]) {
            person.socket.close(true);
            const token = person.api.getToken();
            assert.equal((await person.api.logout()).status, 200);
            person.api.setToken(token);
            await refused(401, 'api.context.session_expired.app_error', () => person.api.getMe());
        }
    },
};

async function main() {
    let passed = 0;
    let failed = 0;
    for (const [name, step] of Object.entries(steps)) {
        const began = Date.now();
        try {
            await step();
            passed++;
            print(`ok - ${NAME}: ${name} (${((Date.now() - began) / 1000).toFixed(2)} s)`);
        } catch (error) {
            failed++;
            const text = error instanceof Error ? error.message : JSON.stringify(error);
            print(`not ok - ${NAME}: ${name}: ${text.replace(/\s*\n\s*/g, ' ')}`);
        }
    }
    print(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}

main();
