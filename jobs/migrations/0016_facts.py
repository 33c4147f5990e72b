"""Facts of a photo are kept beside its pixels, and written into downloads as its owner says."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0015_webhooks'),
    ]

    operations = [
        migrations.AddField('asset', 'about', models.JSONField(blank=True, default=dict, help_text='When and with what it was taken, by whom, where: facts.')),
        migrations.AddField('owner', 'keeps_place', models.BooleanField(default=False, help_text='Of photos that are sent from now on. Otherwise a place is forgotten as the photo comes in.', verbose_name='keep where photos were taken')),
        migrations.AddField('owner', 'carried', models.CharField(choices=[('all', 'All that is known'), ('no-place', 'All but the place'), ('nothing', 'Nothing')], default='no-place', help_text='Date, camera, exposure, resolution, author. What a link shows never says any of it.', max_length=8, verbose_name='what downloads say of a photo')),
    ]
