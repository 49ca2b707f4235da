"""Who, where and what the stories are about."""

from .text import words_list

TRAITS = words_list(
    "kind, curious, brave, shy, cheerful, quiet, clever, gentle, busy, sleepy, friendly, patient,"
    " playful, careful, stubborn, hopeful"
)
SPECIES = words_list(
    "mouse, rabbit, fox, bear, hedgehog, squirrel, owl, duck, frog, beaver, badger, otter, cat,"
    " turtle, lamb, goat"
)
ANIMAL_NAMES = words_list(
    "Pip, Dot, Bramble, Nibbles, Clover, Rusty, Hazel, Puddle, Biscuit, Willow, Acorn, Pepper,"
    " Maple, Tumble, Sunny, Moss"
)
CHILD_HOMES = [
    "a little house by the river",
    "a tall house on Maple Street",
    "a village near the sea",
    "a farm on a hill",
    "a small town in the mountains",
    "a yellow house at the end of the road",
    "a flat above the bakery",
]
ANIMAL_HOMES = [
    "a hollow tree",
    "a cosy hole under the oak",
    "a small den near the stream",
    "a nest of leaves at the edge of the forest",
    "a little house under the roots of a pine",
    "a warm barn",
]
PLACES = {
    "the park": ["under the bench", "behind the swings", "beside the pond"],
    "the beach": ["behind a grey rock", "in the soft sand", "under an old boat"],
    "the forest": ["under a fern", "beside a fallen log", "in a pile of leaves"],
    "the market": ["under a table", "behind a basket of apples", "next to the flower stall"],
    "the garden": ["under the rose bush", "behind the shed", "among the pumpkins"],
    "the library": ["on a low shelf", "under a reading chair", "between two big books"],
    "the farm": ["in the hay", "behind the barn", "near the hen house"],
    "the meadow": ["in the tall grass", "beside a tree stump", "among the daisies"],
    "the lake": ["at the end of the pier", "under the willow", "between the reeds"],
    "the school yard": ["under the slide", "by the old wall", "behind the bicycle shed"],
}
TOYS = words_list(
    "kite, ball, scarf, book, hat, drum, toy boat, lantern, bell, teddy bear, key, whistle, basket,"
    " mitten, marble, flute, ribbon, umbrella, notebook, toy train"
)
HELPERS = [
    "the baker",
    "the old owl",
    "the postman",
    "a busy squirrel",
    "the librarian",
    "a kind farmer",
    "the gardener",
    "a green frog",
    "the bus driver",
    "a tiny ant",
    "a grey goose",
    "the fisherman",
    "a sleepy cat",
    "the shopkeeper",
]
WEATHER = {
    "sunny": "The sun shone on the roofs[ and the birds were singing|].",
    "windy": "The wind played with the leaves[ and chased the clouds|].",
    "rainy": "[Small drops|The rain] ran down the windows[ and made puddles in the road|].",
    "cold": "There was [ice|frost] on the grass[, and everyone wore a thick coat|].",
    "warm": "The air smelled of [flowers|grass|summer].",
    "foggy": "The [hills|trees|houses] looked like grey ghosts.",
    "quiet": "[Nothing moved|Only a bird was singing] in the trees.",
    "cloudy": "The sky was [grey|full of heavy clouds].",
    "snowy": "[The whole world was white|Snow lay on every branch].",
    "bright": "The sky was as blue as the sea.",
}
GLAD = words_list("happy, glad, proud, cheerful, delighted, full of joy")
SAD = words_list("sad, worried, upset, unhappy, close to tears")
TROUBLES = [
    ("had fallen into a deep hole", "rope", "lowered the rope and pulled it up slowly"),
    (
        "was stuck under a heavy branch",
        "long stick",
        "pushed the stick under the branch and lifted it",
    ),
    ("was caught in a thorn bush", "pair of gloves", "moved the thorns away one by one"),
    ("could not cross the stream", "wooden plank", "laid the plank over the water like a bridge"),
    (
        "was cold and wet from the rain",
        "warm blanket",
        "wrapped it in the blanket until it stopped shaking",
    ),
    (
        "was too hungry to walk home",
        "piece of bread",
        "gave it small crumbs until it felt strong again",
    ),
    ("had its foot in a net", "pair of scissors", "cut the net with care"),
]
SMALL_CREATURES = words_list(
    "bird, kitten, duckling, puppy, hedgehog, rabbit, lamb, turtle, squirrel, mouse"
)
PROJECTS = [
    (
        "raft",
        "fell apart in the water",
        "the knots were too loose",
        "tie every knot twice",
        "logs and rope",
    ),
    ("tower", "fell over", "the bottom was too small", "make the bottom wide", "wooden blocks"),
    ("kite", "would not fly", "its tail was too short", "add a longer tail", "paper and string"),
    (
        "bird house",
        "had no visitors",
        "the door was too small",
        "make the door bigger",
        "boards and nails",
    ),
    (
        "cake",
        "came out flat",
        "there was no baking powder in it",
        "add a spoon of baking powder",
        "flour, eggs and sugar",
    ),
    (
        "sand castle",
        "was washed away",
        "it was too close to the waves",
        "build it higher up the beach",
        "sand and shells",
    ),
    (
        "little boat",
        "sank",
        "it had a hole in the bottom",
        "close the hole with wax",
        "bark and leaves",
    ),
    (
        "scarecrow",
        "kept falling down",
        "its pole was too thin",
        "use a thicker pole",
        "straw and old clothes",
    ),
    (
        "paper lantern",
        "tore in the wind",
        "the paper was too thin",
        "use strong paper",
        "paper and glue",
    ),
    ("snow house", "melted", "it stood in the sun", "build it in the shade", "snow and ice"),
]
FEARS = [
    (
        "the dark",
        "the lamp went out",
        "look for the stars",
        "the night was full of small, bright stars",
    ),
    (
        "thunder",
        "a storm came over the hills",
        "count to ten after each flash",
        "the thunder moved far away as {he} counted",
    ),
    (
        "deep water",
        "the ball rolled into the pond",
        "hold my hand and take small steps",
        "the water only reached {his} knees",
    ),
    (
        "big dogs",
        "a large dog ran to the gate",
        "hold out your hand and wait",
        "the dog wagged its tail and licked {his} fingers",
    ),
    (
        "high places",
        "the kite was stuck at the top of the tree",
        "look up and not down",
        "the view from the top was wonderful",
    ),
    (
        "singing in front of others",
        "the teacher called {his} name",
        "sing to one friendly face",
        "everyone clapped when the song was over",
    ),
    (
        "the old bridge",
        "the path led over the river",
        "look straight ahead and walk slowly",
        "the bridge was strong and did not even creak",
    ),
]
DESTINATIONS = [
    "the lighthouse",
    "the great waterfall",
    "the old castle",
    "the top of the hill",
    "grandmother's house",
    "the blue lake",
    "the oldest tree in the forest",
    "the harbour",
]
OBSTACLES = [
    (
        "a heavy rain began to fall",
        "waited in a dry cave and told jokes",
        "the rain stopped and a rainbow came out",
    ),
    ("the path split in two", "asked {helper} which way to go", "they found the right path"),
    ("a tree lay across the road", "climbed over it together", "the way was free"),
    ("the fog came down", "held hands and followed the sound of the river", "the fog lifted"),
    (
        "the bridge was broken",
        "built a new one from three logs",
        "they were safe on the other side",
    ),
    (
        "{friend} was too tired to walk",
        "rested under a tree and shared a sandwich",
        "they both felt strong again",
    ),
]
GIFTS = [
    ("a scarf", "soft wool"),
    ("a picture frame", "shells"),
    ("a necklace", "glass beads"),
    ("a little box", "old wood"),
    ("a crown", "daisies"),
    ("a card", "coloured paper"),
    ("a jar of jam", "wild berries"),
    ("a drum", "a tin can"),
]
NOISES = [
    ("a branch that knocked in the wind", "tied the branch back with a string"),
    ("a mouse with a nut", "gave the mouse a soft cloth to roll its nut on"),
    ("a loose shutter", "closed the shutter with a hook"),
    ("a lost kitten", "made it a warm bed by the stove"),
    ("a tap that dripped", "put a sponge under the tap"),
    ("an owl on the roof", "wished the owl a good night"),
]
PLANTS = words_list(
    "tall sunflower, rose bush, big pumpkin, small apple tree, strawberry plant, row of beans"
)
CHORES = [
    ("water the tomatoes", "the leaves were dry and yellow", "carried water to every plant"),
    ("close the gate", "the goats were eating the cabbages", "led the goats back one by one"),
    (
        "feed the hens",
        "the hens were making a terrible noise",
        "gave them fresh corn and clean water",
    ),
    (
        "bring in the washing",
        "all the clothes were wet from the rain",
        "hung everything up again by the fire",
    ),
    (
        "put the lid on the honey",
        "ants were walking all over the table",
        "cleaned the table from end to end",
    ),
    ("shut the window", "the wind had blown the papers everywhere", "picked up every page"),
    ("fill the woodbox", "the kitchen was cold and dark", "brought in three baskets of wood"),
]
