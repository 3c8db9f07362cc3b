"""The model of an edge platform: traffic, platform, designs, replay, prices, decision."""
