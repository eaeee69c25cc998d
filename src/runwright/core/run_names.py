"""Names for runs that were given none: two words that are easy to say and to tell apart."""

from collections.abc import Callable


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_QUALITIES = _words(
    "able agile amber ample azure bold brave breezy bright brisk calm candid careful cheerful "
    "clear clever cobalt cordial crimson curious daring deft eager earnest early even fabled fair "
    "famous fearless festive fluent fond frank gentle gifted glad golden graceful grand happy "
    "hardy honest humble ivory jolly jovial keen kind lively loyal lucid lucky mellow merry "
    "mighty modest neat nimble noble olive patient placid playful plucky polite proud prudent "
    "quick quiet radiant ready robust rosy sage sandy scarlet serene sharp silent silver sincere "
    "sleek smooth snowy spry stable steady stout sturdy sunny swift tidy trusty upbeat valiant "
    "velvet vivid warm wise witty zesty"
)
_THINGS = _words(
    "acorn albatross alder anchor aspen badger barley basil beacon beech birch bison bittern "
    "bramble brook canyon cedar chestnut cicada clover comet condor coral cormorant crane cricket "
    "curlew cypress dahlia delta dolphin dune egret elder falcon fern finch fjord fox gannet "
    "geyser glacier goshawk grove hare harbor hazel heath heron hickory ibis iris island jackdaw "
    "juniper kestrel lagoon lark laurel linden linnet lynx magpie mallard maple marten meadow "
    "mesa minnow moraine moss newt oak orchid oriole osprey otter petrel pine plover poplar "
    "prairie quail quartz raven reef robin rowan salmon sequoia sparrow spruce starling stoat "
    "stork summit swallow sycamore tarn teal thistle thrush thyme tundra vale walnut willow wren "
    "yarrow yew"
)


def run_name(random: Callable[[], float]) -> str:
    """A name such as `brisk-heron`. `random` gives numbers from 0 up to 1; not unique."""
    quality = _QUALITIES[int(random() * len(_QUALITIES))]
    return f"{quality}-{_THINGS[int(random() * len(_THINGS))]}"
