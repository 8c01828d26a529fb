"""What is compared: contenders, scenarios, questions, profiles, and the apps. Every name lives here; adding one is one entry."""
