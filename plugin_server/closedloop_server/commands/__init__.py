"""The commands of the server. `demo`, `subscriptions`, `token` and `verify` are with what they are about."""
