"""What a program written with mattermostdriver does, through two gateways.

Usage: python_driver.py GATEWAY1 GATEWAY2 PICTURE.png
Every step prints "ok" or "not ok"; a failed step does not stop those that do not need it.
"""

import asyncio
import json
import logging
import sys
import threading
import time
import traceback
import types
import uuid
from urllib.parse import urlsplit

if not hasattr(asyncio, "coroutine"):
    # Driver 6.1.1 is older than Python 3.11, which dropped this decorator.
    asyncio.coroutine = types.coroutine

from importlib.metadata import version

from mattermostdriver import Driver
from mattermostdriver.exceptions import (
    InvalidOrMissingParameters,
    NoAccessTokenProvided,
    NotEnoughPermissions,
    ResourceNotFound,
)

VERSION = version("mattermostdriver")
NAME = f"mattermostdriver {VERSION}"
# Longest wait for an event, in seconds.
EVENT_DEADLINE = 15
RUN = uuid.uuid4().hex[:8]
PASSWORD = "correct-horse-1"


class Person:
    """A driver logged in through one gateway, with its socket and the events heard."""

    def __init__(self, name, gateway):
        url = urlsplit(gateway)
        self.name = f"{name}{RUN}"
        self.email = f"{self.name}@example.com"
        self.options = {
            "url": url.hostname,
            "port": url.port or 80,
            "scheme": "http",
            "login_id": self.name,
            "password": PASSWORD,
            "timeout": 30,
        }
        self.driver = Driver(self.options)
        self.events = []
        self.changed = threading.Condition()
        self.socket_failure = None

    @property
    def id(self):
        return self.driver.client.userid

    def listen(self):
        """Opens the driver's own WebSocket in a thread."""
        threading.Thread(target=self._run_socket, daemon=True).start()
        return self.hear("hello")

    def _run_socket(self):
        async def handler(message):
            with self.changed:
                self.events.append(json.loads(message))
                self.changed.notify_all()

        asyncio.set_event_loop(asyncio.new_event_loop())
        try:
            self.driver.init_websocket(handler)
        except Exception as failure:  # pylint: disable=broad-except
            with self.changed:
                self.socket_failure = failure
                self.changed.notify_all()

    def hear(self, event, matches=lambda message: True):
        """Waits for an event; events heard earlier count."""
        found = []

        def arrived():
            found.extend(m for m in self.events if m.get("event") == event and matches(m))
            return found or self.socket_failure

        with self.changed:
            self.changed.wait_for(arrived, EVENT_DEADLINE)
        heard = [m.get("event") for m in self.events]
        assert found, f"{self.name} did not hear {event} in {EVENT_DEADLINE} s; heard {heard}, socket: {self.socket_failure}"
        return found[0]

    def hear_post(self, event, post_id):
        message = self.hear(event, lambda m: json.loads(m["data"]["post"])["id"] == post_id)
        return message, json.loads(message["data"]["post"])


class Scenario:
    """The steps in order; what one makes for the next is kept in fields."""

    def __init__(self, first, second, picture):
        self.alice = Person("alice", first)
        self.bob = Person("bob", second)
        with open(picture, "rb") as file:
            self.picture = file.read()
        self.team = self.channel = self.post = self.direct = None

    def sign_up(self):
        for person in (self.alice, self.bob):
            user = person.driver.users.create_user({"username": person.name, "email": person.email, "password": PASSWORD})
            equal(user["username"], person.name, "user name")
            equal(user["roles"], "system_user", "roles of a new user")
            assert "password" not in user, "the answer shows a password"

    def log_in_by_name_and_by_mail(self):
        self.bob.driver.options["login_id"] = self.bob.email
        for person in (self.alice, self.bob):
            person.driver.login()
            assert len(person.driver.client.token) == 26, f"token {person.driver.client.token!r}"
            assert "MMAUTHTOKEN" in person.driver.client.cookies, "no session cookie"
            equal(person.driver.users.get_user("me")["id"], person.id, "who am I")

    def wrong_password_is_refused(self):
        stranger = Driver(dict(self.alice.options, password="wrong-password"))
        raises(NoAccessTokenProvided, stranger.login)

    def server_says_what_it_is(self):
        equal(self.alice.driver.system.check_system_health()["status"], "OK", "ping")
        config = self.alice.driver.system.get_client_configuration({"format": "old"})
        assert "SiteName" in config and "Version" in config, f"client configuration: {sorted(config)[:5]} …"
        licence = self.alice.driver.system.get_client_license({"format": "old"})
        assert "IsLicensed" in licence, f"licence: {licence}"

    def sockets_say_hello(self):
        for person in (self.alice, self.bob):
            hello = person.listen()
            equal(hello["seq"], 0, "seq of hello")
            equal(hello["broadcast"]["user_id"], person.id, "whose hello")
            assert hello["data"]["server_version"].count(".") >= 3, f"server version {hello['data']}"

    def create_team(self):
        self.team = self.alice.driver.teams.create_team({"name": f"team{RUN}", "display_name": "Team", "type": "O"})
        self.alice.hear("added_to_team", lambda m: m["data"]["team_id"] == self.team["id"])
        member = self.alice.driver.teams.get_team_member(self.team["id"], self.alice.id)
        equal(sorted(member["roles"].split()), ["team_admin", "team_user"], "roles of the creator")
        names = {c["name"] for c in self.alice.driver.teams.get_public_channels(self.team["id"])}
        equal(names, {"town-square", "off-topic"}, "default channels")
        equal(self.alice.driver.teams.check_team_exists(self.team["name"]), {"exists": True}, "exists")

    def join_by_invite_id(self):
        member = self.bob.driver.teams.add_user_to_team_from_invite({"invite_id": self.team["invite_id"]})
        equal((member["team_id"], member["user_id"]), (self.team["id"], self.bob.id), "membership")
        self.bob.hear("added_to_team", lambda m: m["data"]["team_id"] == self.team["id"])
        found = [t["id"] for t in self.bob.driver.teams.get_user_teams("me")]
        equal(found, [self.team["id"]], "teams of the second user")

    def create_channels(self):
        self.channel = self.alice.driver.channels.create_channel(
            {"team_id": self.team["id"], "name": f"plans-{RUN}", "display_name": "Plans", "type": "O"}
        )
        self.alice.hear("channel_created", lambda m: m["data"]["channel_id"] == self.channel["id"])
        private = self.alice.driver.channels.create_channel(
            {"team_id": self.team["id"], "name": f"secret-{RUN}", "display_name": "Secret", "type": "P"}
        )
        raises(NotEnoughPermissions, lambda: self.bob.driver.channels.get_channel(private["id"]))
        raises(
            InvalidOrMissingParameters,
            lambda: self.alice.driver.channels.create_channel(
                {"team_id": self.team["id"], "name": self.channel["name"], "display_name": "Again", "type": "O"}
            ),
        )

    def join_channel(self):
        self.bob.driver.channels.add_user(self.channel["id"], {"user_id": self.bob.id})
        for person in (self.alice, self.bob):
            person.hear("user_added", lambda m: m["data"]["user_id"] == self.bob.id and m["broadcast"]["channel_id"] == self.channel["id"])
        mine = {c["name"] for c in self.bob.driver.channels.get_channels_for_user("me", self.team["id"])}
        equal(mine, {"town-square", "off-topic", self.channel["name"]}, "channels of the second user")
        self.alice.driver.channels.patch_channel(self.channel["id"], {"header": "what we do"})
        changed = self.bob.hear("channel_updated", lambda m: json.loads(m["data"]["channel"])["id"] == self.channel["id"])
        equal(json.loads(changed["data"]["channel"])["header"], "what we do", "header heard")

    def post_on_one_gateway_is_heard_on_the_other(self):
        pending = f"{self.alice.id}:{RUN}"
        text = f"hello @{self.bob.name} <b>&</b> Grüße 会議"
        self.post = self.alice.driver.posts.create_post({"channel_id": self.channel["id"], "message": text, "pending_post_id": pending})
        message, post = self.bob.hear_post("posted", self.post["id"])
        equal(post["message"], text, "text heard")
        equal(json.loads(message["data"]["mentions"]), [self.bob.id], "mentions")
        equal(message["data"]["channel_name"], self.channel["name"], "channel name")
        equal(message["data"]["sender_name"], self.alice.name, "sender")
        equal(message["data"]["team_id"], self.team["id"], "team")
        _, own = self.alice.hear_post("posted", self.post["id"])
        equal(own["pending_post_id"], pending, "pending id heard by the author")

    def unread_and_mention_counters(self):
        unread = self.bob.driver.channels.get_unread_messages("me", self.channel["id"])
        equal(unread["mention_count"], 1, "mentions")
        assert unread["msg_count"] >= 1, f"unread {unread}"
        team = self.bob.driver.teams.get_unreads_for_team("me", self.team["id"])
        assert team["mention_count"] >= 1, f"unread of the team {team}"

    def view(self):
        viewed = self.bob.driver.channels.view_channel("me", {"channel_id": self.channel["id"], "prev_channel_id": ""})
        equal(viewed["status"], "OK", "view")
        self.bob.hear("channel_viewed", lambda m: m["data"]["channel_id"] == self.channel["id"])
        unread = self.bob.driver.channels.get_unread_messages("me", self.channel["id"])
        equal((unread["msg_count"], unread["mention_count"]), (0, 0), "unread after viewing")

    def reply_and_thread(self):
        reply = self.bob.driver.posts.create_post(
            {"channel_id": self.channel["id"], "message": "a reply", "root_id": self.post["id"], "parent_id": self.post["id"]}
        )
        _, heard = self.alice.hear_post("posted", reply["id"])
        equal(heard["root_id"], self.post["id"], "root")
        thread = self.alice.driver.posts.get_thread(self.post["id"])
        equal(set(thread["posts"]), {self.post["id"], reply["id"]}, "thread")
        page = self.alice.driver.posts.get_posts_for_channel(self.channel["id"], {"page": 0, "per_page": 2})
        equal(page["order"], [reply["id"], self.post["id"]], "newest posts first")
        since = self.bob.driver.posts.get_posts_for_channel(self.channel["id"], {"since": self.post["create_at"]})
        assert reply["id"] in since["order"], f"since: {since['order']}"

    def edit(self):
        self.alice.driver.posts.patch_post(self.post["id"], {"message": "edited once"})
        _, heard = self.bob.hear_post("post_edited", self.post["id"])
        assert heard["edit_at"] > 0 and heard["message"] == "edited once", f"heard {heard}"
        self.alice.driver.posts.update_post(self.post["id"], {"id": self.post["id"], "message": "edited twice"})
        equal(self.bob.driver.posts.get_post(self.post["id"])["message"], "edited twice", "text after PUT")
        raises(NotEnoughPermissions, lambda: self.bob.driver.posts.patch_post(self.post["id"], {"message": "not mine"}))

    def react(self):
        reactions = self.bob.driver.reactions
        reactions.create_reaction({"user_id": self.bob.id, "post_id": self.post["id"], "emoji_name": "+1"})
        heard = self.alice.hear("reaction_added", lambda m: json.loads(m["data"]["reaction"])["post_id"] == self.post["id"])
        equal(json.loads(heard["data"]["reaction"])["emoji_name"], "+1", "emoji")
        # The driver asks for /posts/ID//reactions.
        equal([r["user_id"] for r in reactions.get_reactions_of_post(self.post["id"])], [self.bob.id], "reactions")
        reactions.delete_reaction(self.bob.id, self.post["id"], "+1")
        self.alice.hear("reaction_removed", lambda m: json.loads(m["data"]["reaction"])["post_id"] == self.post["id"])

    def pin(self):
        self.bob.driver.posts.pin_post_to_channel(self.post["id"])
        pinned = self.alice.driver.channels.get_channel_pinned_posts(self.channel["id"])
        equal(pinned["order"], [self.post["id"]], "pinned posts")
        self.alice.driver.posts.unpin_post_to_channel(self.post["id"])
        equal(self.bob.driver.channels.get_channel_pinned_posts(self.channel["id"])["order"], [], "pinned posts after unpinning")

    def upload_attach_download(self):
        files = {"files": ("picture.png", self.picture, "image/png")}
        info = self.alice.driver.files.upload_file(self.channel["id"], files)["file_infos"][0]
        equal((info["name"], info["mime_type"], info["has_preview_image"]), ("picture.png", "image/png", True), "file info")
        post = self.alice.driver.posts.create_post({"channel_id": self.channel["id"], "message": "see", "file_ids": [info["id"]]})
        message, heard = self.bob.hear_post("posted", post["id"])
        equal(heard["file_ids"], [info["id"]], "files heard")
        equal(message["data"].get("image"), "true", "image flag")
        files = self.bob.driver.files
        equal(files.get_file(info["id"]).content, self.picture, "bytes of the file")
        for image in (files.get_file_thumbnail(info["id"]), files.get_file_preview(info["id"])):
            assert image.headers["Content-Type"].startswith("image/") and len(image.content) > 100, f"picture {image.headers}"
        equal(files.get_file_metadata(info["id"])["size"], len(self.picture), "size")
        equal([f["id"] for f in self.bob.driver.posts.get_file_info_for_post(post["id"])], [info["id"]], "files of the post")

    def status(self):
        # 6.1.1 has no `driver.status`, only the table of all endpoints.
        self.alice.driver.api["status"].update_user_status(self.alice.id, {"user_id": self.alice.id, "status": "dnd"})
        self.alice.hear("status_change", lambda m: m["data"]["status"] == "dnd")
        equal(self.bob.driver.api["status"].get_user_status(self.alice.id)["status"], "dnd", "status seen by the other")

    def preferences_and_flags(self):
        preferences = self.bob.driver.preferences
        wanted = {"user_id": self.bob.id, "category": "flagged_post", "name": self.post["id"], "value": "true"}
        preferences.save_user_preferences(self.bob.id, [wanted])
        heard = self.bob.hear("preferences_changed")
        equal(json.loads(heard["data"]["preferences"]), [wanted], "preferences heard")
        equal(preferences.list_user_preferences_by_category(self.bob.id, "flagged_post"), [wanted], "category")
        equal(self.bob.driver.posts.get_list_of_flagged_posts("me")["order"], [self.post["id"]], "flagged posts")
        preferences.delete_user_preferences(self.bob.id, [wanted])
        self.bob.hear("preferences_deleted")
        equal(self.bob.driver.posts.get_list_of_flagged_posts("me")["order"], [], "flagged posts afterwards")

    def find_users(self):
        users = self.alice.driver.users
        found = users.search_users({"term": self.bob.name[:-2], "team_id": self.team["id"]})
        equal([u["id"] for u in found], [self.bob.id], "search")
        found = users.autocomplete_users({"in_team": self.team["id"], "in_channel": self.channel["id"], "name": self.bob.name[:6]})
        assert self.bob.id in [u["id"] for u in found["users"]], f"autocomplete: {found}"
        equal([u["id"] for u in users.get_users_by_usernames([self.bob.name])], [self.bob.id], "by user names")
        assert not users.get_user_by_username(self.bob.name).get("notify_props"), "another user's notify_props are shown"
        image = users.get_user_profile_image(self.bob.id)
        equal(image.headers["Content-Type"], "image/png", "profile image")
        equal(users.patch_user("me", {"nickname": "Al"})["nickname"], "Al", "patched nickname")

    def direct_channel(self):
        self.direct = self.alice.driver.channels.create_direct_message_channel([self.alice.id, self.bob.id])
        equal((self.direct["type"], self.direct["team_id"]), ("D", ""), "direct channel")
        self.bob.hear("direct_added", lambda m: m["broadcast"]["channel_id"] == self.direct["id"])
        post = self.alice.driver.posts.create_post({"channel_id": self.direct["id"], "message": "between us"})
        message, _ = self.bob.hear_post("posted", post["id"])
        equal((message["data"]["team_id"], message["data"]["channel_type"]), ("", "D"), "direct post")
        equal(self.bob.driver.channels.get_unread_messages("me", self.direct["id"])["mention_count"], 1, "a direct post is a mention")

    def delete_post(self):
        raises(NotEnoughPermissions, lambda: self.bob.driver.posts.delete_post(self.post["id"]))
        self.alice.driver.posts.delete_post(self.post["id"])
        self.bob.hear_post("post_deleted", self.post["id"])
        raises(ResourceNotFound, lambda: self.bob.driver.posts.get_post(self.post["id"]))

    def leave_channel(self):
        self.bob.driver.channels.remove_channel_member(self.channel["id"], self.bob.id)
        self.alice.hear("user_removed", lambda m: m["data"].get("user_id") == self.bob.id)
        self.bob.hear("user_removed", lambda m: m["data"].get("channel_id") == self.channel["id"])
        post = self.alice.driver.posts.create_post({"channel_id": self.channel["id"], "message": "without him"})
        self.alice.hear_post("posted", post["id"])
        # A later event on the same socket shows that the earlier one did not come.
        after = self.alice.driver.posts.create_post({"channel_id": self.direct["id"], "message": "still here?"})
        self.bob.hear_post("posted", after["id"])
        heard = [json.loads(m["data"]["post"])["id"] for m in self.bob.events if m.get("event") == "posted"]
        assert post["id"] not in heard, "heard a post of a channel he had left"

    def sequence_has_no_gap(self):
        for person in (self.alice, self.bob):
            numbers = [m["seq"] for m in person.events if "event" in m]
            assert len(numbers) > 10, f"{person.name} heard {len(numbers)} events"
            equal(numbers, list(range(len(numbers))), f"seq of {person.name}")

    def log_out(self):
        for person in (self.alice, self.bob):
            token = person.driver.client.token
            equal(person.driver.logout(), {"status": "OK"}, "logout")
            raises(NoAccessTokenProvided, lambda: person.driver.users.get_user("me"))
            if not VERSION.startswith("6."):  # 6.1.1 forgets its token before it asks the server to end the session
                person.driver.client.token = token
                raises(NoAccessTokenProvided, lambda: person.driver.users.get_user("me"))


def equal(found, wanted, what):
    assert found == wanted, f"{what}: expected {wanted!r}, got {found!r}"


def raises(kind, action):
    try:
        answer = action()
    except kind:
        return
    except Exception as other:  # pylint: disable=broad-except
        raise AssertionError(f"expected {kind.__name__}, got {type(other).__name__}: {other}") from other
    raise AssertionError(f"expected {kind.__name__}, got the answer {answer!r}")


def main():
    logging.disable(logging.CRITICAL)  # the drivers log every refused request, and some are meant to be refused
    scenario = Scenario(*sys.argv[1:4])
    passed = failed = 0
    for step in [name for name in vars(Scenario) if not name.startswith("_")]:
        began = time.monotonic()
        try:
            getattr(scenario, step)()
        except Exception as failure:  # pylint: disable=broad-except
            failed += 1
            where = next((f.lineno for f in reversed(traceback.extract_tb(failure.__traceback__)) if f.filename == __file__), "?")
            print(f"not ok - {NAME}: {step.replace('_', ' ')}: line {where}: {type(failure).__name__}: {failure}", flush=True)
        else:
            passed += 1
            print(f"ok - {NAME}: {step.replace('_', ' ')} ({time.monotonic() - began:.2f} s)", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


main()
